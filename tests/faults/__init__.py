"""Killed runs, full disks and other trouble: each ends in the right result or in a helpful error."""
