"""The product: the only package that knows all five services, and enters each by its bootstrap."""
