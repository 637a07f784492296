"""Questions to analytics: read, fold through the domain, never write."""
