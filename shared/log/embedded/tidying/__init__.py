"""What leaves the log: what is too old, and what a later record replaced."""
