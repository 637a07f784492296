"""Routing: who gets a lead, how soon they must act, and where it goes if they do not."""
