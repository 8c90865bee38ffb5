"""The check of any solution of the assignment, in Python or Julia: what is right, what is wrong, and why."""
