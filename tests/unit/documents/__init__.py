"""Business documents."""
