"""Scoring models as people hand them in: documents on disk, steps in a table, and what they come to."""
