"""What several commands share of the command line."""
