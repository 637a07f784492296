"""Questions to nurture: read, fold through the domain, never write."""
