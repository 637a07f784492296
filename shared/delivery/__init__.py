"""How messages leave the platform: by mail. A delivery says exactly what is known of how it ended."""
