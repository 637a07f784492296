"""Which touch earned what: credits to the cent, funnels, returns, each lead's story."""
