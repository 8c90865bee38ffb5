"""The tables and pages that people read."""
