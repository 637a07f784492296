"""Leads with many events."""
