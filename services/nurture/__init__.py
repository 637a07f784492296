"""Keeps in touch with leads that are not ready yet: sequences of mails, and what comes back from them."""
