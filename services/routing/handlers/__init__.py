"""What routing makes of events, clocks and commands: one fact after the other, on the desk."""
