"""The plan: the models, files and options that a complete configuration asks for."""
