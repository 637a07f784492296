"""Analytics as a whole service, on both logs."""
