"""The plan: from a complete configuration to models, files and options. It computes none of them."""
