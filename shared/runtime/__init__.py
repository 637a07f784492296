"""A process from its settings to its end: what runs in it, how it is, how it stops."""
