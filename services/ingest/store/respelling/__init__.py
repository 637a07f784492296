"""Spellings that people added, and how far what was said before is read anew by them."""
