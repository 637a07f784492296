"""What hooks leave in the tables: sealed secrets, errands, positions of lists."""
