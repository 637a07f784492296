"""What hooks need done: fetch what was told by its id alone, look for what was never told."""
