"""Steps that clean a dataset, each with a list of what it touched."""
