"""Tags over HTTP: the catalogue, leads by filter, tags by hand and in bulk."""
