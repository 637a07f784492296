"""People who are put right, and people who ask to be forgotten."""
