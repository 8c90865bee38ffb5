"""The check of any solution of the assignment, in Python or Julia: what is right, and why not."""
