"""What the OpenAPI document says of the routes: bodies, answers, credentials."""
