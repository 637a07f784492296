"""Questions to scoring: read, fold through the domain, never write."""
