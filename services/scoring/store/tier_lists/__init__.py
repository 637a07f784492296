"""The lists of leads by tier."""
