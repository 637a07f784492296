"""What scoring does beside its topics: a row is claimed, the act is done, the outcome is recorded."""
