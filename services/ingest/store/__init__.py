"""The tables of ingest beside their queries, its documents, and the way into the raw topic."""
