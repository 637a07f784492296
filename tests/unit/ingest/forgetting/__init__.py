"""What is done when somebody asks to be forgotten, and what is said of it."""
