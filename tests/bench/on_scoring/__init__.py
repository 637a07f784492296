"""Scoring by itself: rules, a lead with many events, clocks due at once, and how soon a change is told."""
