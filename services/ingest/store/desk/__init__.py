"""What people put down by hand, who owns which lead, and what was said about being written to."""
