"""What tells people apart or alike, or speaks against them: spellings, doubts, bursts, marks."""
