"""Nurture with its tables, its log and a mail server."""
