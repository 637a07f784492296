"""What is asked about leads: what it would take, who is in a tier, and both and why from a command."""
