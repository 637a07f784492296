"""Tables at the front door: brought by upload, looked at, started, and what became of their rows."""
