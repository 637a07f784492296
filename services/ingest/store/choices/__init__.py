"""What people wrote that stood for no choice."""
