"""Arrays, weights and checkpoints on disk."""
