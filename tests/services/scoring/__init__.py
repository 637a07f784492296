"""Scoring with a real database and a real log."""
