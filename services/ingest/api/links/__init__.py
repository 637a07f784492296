"""Tracking links over HTTP: the way through them, and the desk where they are made and changed."""
