"""The edge: authenticates, bounds, stamps, and answers once the log has it. It keeps no state."""
