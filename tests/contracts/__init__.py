"""Held against the contracts: declarations, generated files, compatibility."""
