"""What made which file, from which code, with which software."""
