"""Nurture's documents and tables, beside the statements that touch them."""
