"""Attention: what a lead does that its owner should know of at once, once in a while (C11)."""
