"""What marketing puts before people: tracking links, forms."""
