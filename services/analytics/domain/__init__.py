"""The pure heart of analytics: facts in; touch points, deals, credits and reports out.

Everything follows from the *set* of facts: in whatever order they arrive, and however they are cut
into batches, the tables are the same. Money is whole minor units, instants whole microseconds.
"""
