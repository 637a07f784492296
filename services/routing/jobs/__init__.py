"""What routing does by itself, beside its processor."""
