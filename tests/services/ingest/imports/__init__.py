"""Tables brought into a running service."""
