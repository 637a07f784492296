"""Where ad platforms and tools deliver."""
