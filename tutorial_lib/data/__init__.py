"""What a dataset is, where it comes from, and how it is divided."""
