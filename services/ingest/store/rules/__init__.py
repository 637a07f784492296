"""Documents of ingest that have a room of their own: channels and sites, tags."""
