"""Invalid leads, as nurture treats them."""
