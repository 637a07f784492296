"""What analytics makes of events: pure, one fact after the other."""
