"""How soon an owner must act (R3, R4, R5): policies, deadlines, and the clocks that run against a spell."""
