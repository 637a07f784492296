"""One client's connection, and one answer on it: uvicorn's, made lighter."""
