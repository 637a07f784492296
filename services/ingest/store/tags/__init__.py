"""Tables of tags and touches: what profiles bring along, what stands on leads, the catalogue, bulk work."""
