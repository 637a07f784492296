"""Other people's systems: one folder each, with its mapping, its signature and its client."""
