"""What people put right by hand, and what was said about being written to."""
