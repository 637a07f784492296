"""Activation (C9): the gate, what is told of it, and what holds of any history."""
