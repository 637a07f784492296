"""Who may come in: write keys of sources, access tokens of people and programs, the deployment's secrets.

Credentials are random, so they are stored as keyed hashes: whoever reads the tables learns none of
them. Nothing here knows HTTP.
"""
