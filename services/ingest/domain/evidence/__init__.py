"""What tells people apart or alike: comparable spellings, and doubts for a person to settle."""
