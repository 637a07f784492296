"""What routing knows and decides: pure values and functions."""
