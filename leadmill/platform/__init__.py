"""All services of one deployment: what they stand on, how they are laid out, how they run together."""
