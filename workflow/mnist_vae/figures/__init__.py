"""The study's figures, drawn from stored arrays."""
