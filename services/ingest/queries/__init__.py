"""Questions to ingest: which lead is that, does everything add up."""
