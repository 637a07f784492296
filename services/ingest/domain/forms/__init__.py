"""Forms that stand in documents: what they ask, what they refuse, and in which words."""
