"""Settings, hard negatives, pairs, losses, the training run."""
