"""What the tests of every service stand on: a log of either kind, and a service that runs on it."""
