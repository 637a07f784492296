"""Benchmarks: ratios against a raw limit and against a peer, and a latency, in one run (``make bench``)."""
