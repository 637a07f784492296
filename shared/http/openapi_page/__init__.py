"""The page that shows an OpenAPI document; whole in itself, because many networks reach nobody else."""
