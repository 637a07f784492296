"""The laws by which points cool, each by itself and in a model."""
