"""What must have become of leads, clocks, commands and credits, worked out again."""
