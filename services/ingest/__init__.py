"""Ingest: everything that comes in. The edge keeps what arrives, the resolver finds out whose it is."""
