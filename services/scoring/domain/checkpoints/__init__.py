"""Scores as they stood after an earlier fact, so that a late one need not have everything folded again."""
