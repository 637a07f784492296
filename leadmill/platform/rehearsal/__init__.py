"""What would happen with a lead, tried out with the documents of several services and nothing else."""
