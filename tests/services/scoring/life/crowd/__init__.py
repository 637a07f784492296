"""Many leads, and what they do meanwhile, for the run of a publication."""
