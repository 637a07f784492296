"""What several of scoring's routes take, and who may ask."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query

from shared.security.tokens import Role

READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service", "read")

AsOf = Annotated[
    str | None,
    Query(description="Instant (RFC 3339): facts that occurred by then", examples=["2026-03-02T09:00:00Z"]),
]
KnownAt = Annotated[str | None, Query(description="Instant (RFC 3339): only facts received by then")]
