"""A fortnight worked out again in memory: the pure domains of all services, folded in the recorded order."""
