"""Who may come in: write keys of sources, access tokens."""
