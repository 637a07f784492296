"""Benchmarks: ratios against a raw limit and against peers, in one run."""
