"""What stands in the query of a URL: read, checked, refused in words."""
