"""Tables that people bring in: how they are read, and what becomes of their rows."""
