"""What stands around the chain: people who buy, reps who answer, and the processes."""
