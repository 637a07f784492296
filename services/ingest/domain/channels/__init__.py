"""What brought somebody: the sites that people come from, and the channel that the clues amount to."""
