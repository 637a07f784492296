"""Requests to addresses that others name: checked, pinned to what was checked, bounded in time and size."""
