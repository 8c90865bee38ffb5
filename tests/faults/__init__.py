"""Runs that are killed, full disks, and other trouble: each ends in the right result or says what to do."""
