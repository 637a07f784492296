"""Tables that people bring in."""
