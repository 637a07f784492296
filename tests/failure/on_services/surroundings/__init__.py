"""What stands around the workers of the services: their processes, their clock, what people send."""
