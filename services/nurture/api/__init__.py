"""Nurture over HTTP: what comes back from mails, and answers about leads, messages and sequences."""
