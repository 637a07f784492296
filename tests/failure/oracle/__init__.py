"""What should have come out, worked out again without the engine, and how it compares."""
