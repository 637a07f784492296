"""Five services that never call each other: they meet only on topics."""
