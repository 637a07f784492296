"""Who may come in: how fast, and what is kept of those who may not."""
