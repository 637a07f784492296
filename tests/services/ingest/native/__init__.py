"""The native routes of ingest on the whole service."""
