"""Commands of whoever has leads to look after."""
