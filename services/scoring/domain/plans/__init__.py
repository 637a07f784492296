"""What it would take: which acts or attributes would bring a lead to a tier, or make it ready for sales.

Nothing is estimated. A step is a fact that might be learnt; what it would bring is found by scoring the lead
with it, so that caps, gaps, windows, audiences, gates and cooling count as they do for facts that were.
"""
