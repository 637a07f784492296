"""What follows from steps in the life of models, a portion at a time."""
