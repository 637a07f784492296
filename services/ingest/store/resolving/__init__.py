"""What the resolver is handed."""
