"""A month of requests from a crowd whose truth is known, and how well the resolver tells who is who."""
