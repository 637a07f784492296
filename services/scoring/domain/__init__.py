"""The pure heart of scoring: facts in, points, tiers and reasons out.

Nothing here does I/O or reads a clock. Scores, tier history and lines are functions of the *set* of
a lead's facts: in whatever order they arrive, and however they are cut into batches, the answers
are the same. Points are whole thousandths, instants whole microseconds.
"""
