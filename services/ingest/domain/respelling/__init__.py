"""Spellings that people add and take back, and what was said before read anew by them."""
