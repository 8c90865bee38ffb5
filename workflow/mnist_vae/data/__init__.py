"""From the published files to binary images."""
