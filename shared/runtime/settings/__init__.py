"""What an operator may set: how it is read, how it is written, and what every process has."""
