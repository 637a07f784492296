"""Write keys over HTTP, for administrators: made, listed, changed, rotated, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.http.access import require
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant, to_datetime
from shared.runtime.settings.durations import Duration
from shared.security.key_ring import KeyRing, NewKey
from shared.security.tokens import Principal
from shared.security.write_keys import Door, KeyTerms, WriteKey

_A_WEEK: Any = "7d"
_LASTING: dict[str, Any] = {"type": "string", "examples": ["90d"]}

Doors = Annotated[set[Door], Field(description="What the key opens; none named: everything")]
Rate = Annotated[int | None, Field(ge=1, le=1_000_000, description="Requests a second, per process")]
Burst = Annotated[int | None, Field(ge=1, le=1_000_000, description="Requests that may come at once")]
Lasting = Annotated[Duration, Field(json_schema_extra=_LASTING)]


class KeyIn(BaseModel):
    """A key to be made; its source is made if there is none of the name."""

    model_config = ConfigDict(extra="forbid")

    source: str
    doors: Doors = Field(default_factory=set)
    expires_in: Annotated[
        Lasting | None, Field(description="How long it works, for example 90d; else for good")
    ] = None
    rate: Rate = None
    burst: Burst = None
    key: Annotated[
        str | None, Field(description="Take this key, which clients have already, instead of a new one")
    ] = None


class ChangeIn(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    doors: Doors | None = None
    rate: Rate = None
    burst: Burst = None


class RotationIn(BaseModel):
    """How long the old key works on beside the new one."""

    model_config = ConfigDict(extra="forbid")

    overlap: Lasting = Field(default=_A_WEEK, validate_default=True)


class NewKeyOut(BaseModel):
    """A new key. It is stored as a keyed hash only: this is the one time that it can be read."""

    id: str
    source: str
    key: str


class KeyOut(BaseModel):
    """What is known about a key; ``hint`` is its end, ``last_used_at`` is right to about a minute."""

    id: str
    source: str
    hint: str
    state: Literal["works", "expires", "expired", "revoked"]
    doors: list[str]
    rate: int | None
    burst: int | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str
    last_used_at: datetime | None


class KeysOut(BaseModel):
    """Keys, by source and age."""

    keys: list[KeyOut]


class RevokedOut(BaseModel):
    """The key that works no more, within a minute everywhere."""

    revoked: str


def build_key_router(ring: KeyRing, clock: Clock) -> APIRouter:
    """Return the routes of write keys; only an administrator may."""
    router = APIRouter(prefix="/v1/keys", tags=["ingest"])

    @router.get("", dependencies=[require()], summary="Every write key there ever was")
    async def list_keys(source: Annotated[str | None, Query()] = None) -> KeysOut:
        """List keys; the keys themselves are nowhere."""
        now = clock.now()
        return KeysOut(keys=[_shown(key, now) for key in await ring.list_keys(source)])

    @router.post("", summary="Give a source a write key", status_code=201)
    async def add_key(body: KeyIn, principal: Annotated[Principal, require()]) -> NewKeyOut:
        """Make a key, or take one along that clients have already; it is shown this once."""
        terms = KeyTerms(doors=frozenset(body.doors), lasts=body.expires_in, rate=body.rate, burst=body.burst)
        made = await ring.add(body.source, by=_who(principal), brought=body.key, terms=terms)
        return _new(body.source, made)

    @router.patch("/{key_id}", dependencies=[require()], summary="Change what a key opens, and how fast")
    async def change_key(key_id: str, body: ChangeIn) -> KeyOut:
        """Change a key; it takes effect within a minute everywhere."""
        doors = None if body.doors is None else frozenset[str](body.doors)
        await ring.change(key_id, doors=doors, rate=body.rate, burst=body.burst)
        return _shown(await ring.find(key_id), clock.now())

    @router.post("/{key_id}/rotate", summary="Replace a key; both work for a while", status_code=201)
    async def rotate_key(
        key_id: str, body: RotationIn, principal: Annotated[Principal, require()]
    ) -> NewKeyOut:
        """Make a key that opens the same doors; the old one stops after the overlap."""
        old = await ring.find(key_id)
        made = await ring.rotate(old.source, by=_who(principal), overlap=body.overlap, key_id=key_id)
        return _new(old.source, made)

    @router.post("/{key_id}/revoke", summary="Stop a key for good")
    async def revoke_key(key_id: str, principal: Annotated[Principal, require()]) -> RevokedOut:
        """Stop a key, within a minute everywhere; its clients are refused from then on."""
        await ring.revoke(key_id, by=_who(principal))
        return RevokedOut(revoked=key_id)

    return router


def _who(principal: Principal) -> str:
    return f"{principal.name} ({principal.id})"


def _new(source: str, made: NewKey) -> NewKeyOut:
    return NewKeyOut(id=made.id, source=source, key=made.key.reveal())


def _shown(key: WriteKey, now: Instant) -> KeyOut:
    return KeyOut(
        id=key.id,
        source=key.source,
        hint=key.hint,
        state=key.state(now),
        doors=list(key.doors),
        rate=key.rate,
        burst=key.burst,
        created_at=to_datetime(key.created_at),
        created_by=key.created_by,
        expires_at=_moment(key.expires_at),
        revoked_at=_moment(key.revoked_at),
        revoked_by=key.revoked_by,
        last_used_at=_moment(key.last_used_at),
    )


def _moment(at: Instant | None) -> datetime | None:
    return None if at is None else to_datetime(at)
