"""The check of any solution of the assignment, in Python or Julia: what it defines, whether it is right, why not."""
