"""The handlers of scoring in a world without a database or a log."""
