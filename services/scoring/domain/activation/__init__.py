"""Activation: points and high-value acts together make a lead ready for sales, once per sales cycle (C9).

When a gate is passed is a function of the set of facts, like everything here. What was told of it is
apart, because it depends on when we learnt of the facts, and it is never taken back.
"""
