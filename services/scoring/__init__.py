"""Keeps a running score per lead and model, and says when a tier is reached or left."""
