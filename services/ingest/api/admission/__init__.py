"""Who may come in, through which door, and how fast."""
