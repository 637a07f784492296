"""The pure domain of scoring."""
