"""Imports: what is kept of them, and of their rows."""
