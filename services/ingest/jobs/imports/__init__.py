"""Imports at work: a table is looked at, then brought in, and whom it holds is released."""
