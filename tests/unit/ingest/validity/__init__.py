"""The first filter."""
