"""What the first filter goes by, and what it keeps."""
