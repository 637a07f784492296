"""What is told to other systems at an address of theirs: to whom, signed how, how often tried."""
