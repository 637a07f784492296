"""``tally``, the smallest service: our processor, the bare loop, and a peer, on the same events."""
