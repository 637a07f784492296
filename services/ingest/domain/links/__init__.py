"""Tracking links: addresses of ours that lead on to a page of the customer's and record the click."""
