"""What two services need; contains no service's noun."""
