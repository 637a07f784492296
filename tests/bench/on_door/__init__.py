"""The front door under load: the edge on one core, who sends on the other, against FastAPI's usual way."""
