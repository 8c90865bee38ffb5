"""Records of how each file was made: from which code, with which software, at what cost."""
