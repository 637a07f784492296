"""Membership in a group: the rows that all members share, and the task that keeps one of them in."""
