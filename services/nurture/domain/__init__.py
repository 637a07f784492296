"""What a nurturing service decides, as values and functions: who is mailed what, when, and when no more."""
