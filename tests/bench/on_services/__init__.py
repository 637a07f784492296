"""Ingest's and scoring's own steps, each against a bare loop that writes the same rows."""
