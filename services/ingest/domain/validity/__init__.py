"""Who is nobody (I5): bots, tests, own staff, and whoever cannot be reached; marked, kept, reversible."""
