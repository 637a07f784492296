"""Planted bugs, one of each kind that the matrix must catch; substituted inside a worker process only."""

from __future__ import annotations


def plant(name: str) -> None:
    """Substitute the part of the engine that this bug spoils."""


def plant_late(name: str, worker: object) -> None:
    """Spoil what only a built worker has."""
