"""The rules of tags, and what stands on a lead by them."""
