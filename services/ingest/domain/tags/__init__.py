"""Tags (I6): what they are, what profiles bring along of them, and what people ask of them."""
