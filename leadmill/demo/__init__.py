"""The demo: a fortnight of a company's leads, told by real requests to a real platform, in under a minute."""
