"""The configuration: what can be set, what was set, and whether it can be run."""
