"""Whose a message is, which leads turn out to be one, and which were wrongly taken for one."""
