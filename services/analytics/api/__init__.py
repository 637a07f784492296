"""Analytics over HTTP: translate, one call in, translate out."""
