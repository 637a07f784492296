"""Attention: what a lead does that its owner should know of at once (C11), and should ask for (C10)."""
