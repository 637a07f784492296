"""The two loops that are compared: ours, and one with nothing around the work."""
