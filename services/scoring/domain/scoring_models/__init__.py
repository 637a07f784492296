"""Scoring models: the document that people write, and the immutable thing that computes.

A model has groups of rules (fit: who they are; behaviour: what they do), each with its cooling and
cap, and tiers with their bounds. A new version is a new document; a list that a rule names carries
its version (``target_industries@1``), so that name and version of a model fix every score.
"""
