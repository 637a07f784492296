"""What scoring says in words, each time in English and in Chinese."""
