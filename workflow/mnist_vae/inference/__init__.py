"""Approximate inference, a file a method, compared with the exact posterior (docs/inference.md)."""
