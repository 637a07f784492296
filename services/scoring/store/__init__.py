"""Scoring's tables beside their queries."""
