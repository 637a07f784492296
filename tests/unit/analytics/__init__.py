"""Tests of analytics' pure rooms."""
