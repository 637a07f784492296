"""The audit: adds up what each service checks about itself, and compares what they say to each other."""
