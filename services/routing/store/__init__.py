"""Routing's tables beside their queries, and its documents."""
