"""What ingest knows about messages, people and leads: pure values and functions."""
