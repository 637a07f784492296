"""Analytics' tables, each beside its queries."""
