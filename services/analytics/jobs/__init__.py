"""What analytics does beside its topics."""
