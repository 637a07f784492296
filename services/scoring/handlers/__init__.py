"""What scoring makes of events: pure, one fact after the other."""
