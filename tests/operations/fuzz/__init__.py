"""Hostile requests over real sockets; the same seed and number give the same request, to the byte."""
