"""What is wrong with a model's document, and where."""
