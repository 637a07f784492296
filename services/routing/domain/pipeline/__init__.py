"""From new to activated, and on to an opportunity (R7, R8, R9)."""
