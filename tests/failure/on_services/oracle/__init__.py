"""What should have come out of ingest and scoring, worked out again without the engine and its tables."""
