"""After an erasure nothing of the person is found: a whole platform, looked through to the last byte."""
