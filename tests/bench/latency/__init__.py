"""From the HTTP request to the tier change that it brings about, through the whole platform."""
