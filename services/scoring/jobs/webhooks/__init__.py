"""Telling other systems at an address of theirs, and what people do about it."""
