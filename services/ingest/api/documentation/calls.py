"""The calls of the SDK protocol, as its clients write them; for the documentation.

Nothing here decodes a request: the edge keeps what arrives and the resolver judges it. A field that is
not named here is kept as well.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from services.ingest.api.messages import MOST_EVENTS

Id = str | int | float | None
Time = Annotated[str | None, Meta(description="RFC 3339, for example 2026-03-02T09:30:00.000Z")]
Fields = dict[str, Any] | None


class Call(msgspec.Struct, rename="camel", kw_only=True):
    """What every call may carry; who it is about is told by `userId` or `anonymousId`."""

    user_id: Id = None
    anonymous_id: Id = None
    message_id: Annotated[
        str | int | float | None,
        Meta(description="The client's own id, up to 100 characters; sent again, it counts once"),
    ] = None
    timestamp: Time = None
    original_timestamp: Time = None
    sent_at: Annotated[
        str | None, Meta(description="The client's clock when it sent; tells how far that clock is off")
    ] = None
    context: Annotated[Fields, Meta(description="Page, campaign, traits, library, …")] = None
    integrations: Fields = None
    write_key: Annotated[str | None, Meta(description="For clients that cannot send credentials")] = None


class IdentifyCall(Call, rename="camel", kw_only=True):
    """Who somebody is: traits such as email, phone, name, company, title."""

    traits: Fields = None


class TrackCall(Call, rename="camel", kw_only=True):
    """What somebody did."""

    event: Annotated[str, Meta(description="For example Demo Requested")]
    properties: Fields = None


class PageCall(Call, rename="camel", kw_only=True):
    """A page that somebody opened; path and url stand in `properties` or in `context.page`."""

    name: str | None = None
    category: str | None = None
    properties: Fields = None


class ScreenCall(Call, rename="camel", kw_only=True):
    """A screen of an app."""

    name: str | None = None
    category: str | None = None
    properties: Fields = None


class GroupCall(Call, rename="camel", kw_only=True):
    """The company of somebody; traits are those of the company."""

    group_id: Id = None
    traits: Fields = None


class AliasCall(Call, rename="camel", kw_only=True):
    """Two ids of one person."""

    previous_id: Id = None


class BatchItem(Call, rename="camel", kw_only=True):
    """One call in a batch, with its type and the fields of that."""

    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    event: str | None = None
    name: str | None = None
    properties: Fields = None
    traits: Fields = None
    group_id: Id = None
    previous_id: Id = None


class BatchOfCalls(msgspec.Struct, rename="camel", kw_only=True):
    """Many calls at once; `context` and `sentAt` hold for all of them."""

    batch: Annotated[
        list[BatchItem], Meta(description=f"What comes after {MOST_EVENTS:,} calls is kept and not used")
    ]
    sent_at: Time = None
    context: Fields = None
    integrations: Fields = None
    write_key: str | None = None


class Success(msgspec.Struct):
    """Everything is kept for good. What cannot be used lies in quarantine, with its reason."""

    success: bool


CALLS: Final[dict[str, type]] = {
    "identify": IdentifyCall,
    "track": TrackCall,
    "page": PageCall,
    "screen": ScreenCall,
    "group": GroupCall,
    "alias": AliasCall,
}
"""The body of each call."""

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "identify": {"userId": "u-1001", "traits": {"email": "ada@example.com", "company": {"name": "Example"}}},
    "track": {
        "anonymousId": "a-1",
        "event": "Document Downloaded",
        "properties": {"document": "smart-factory", "kind": "white_paper"},
        "messageId": "ajs-next-1795293656235-0618934c",
        "timestamp": "2026-03-02T09:30:00.000Z",
    },
    "page": {"anonymousId": "a-1", "properties": {"path": "/pricing", "url": "https://example.com/pricing"}},
    "screen": {"userId": "u-1001", "name": "Quote"},
    "group": {"userId": "u-1001", "groupId": "c-7", "traits": {"name": "Example", "employees": 320}},
    "alias": {"userId": "u-1001", "previousId": "a-1"},
}
"""One call of each kind, as a client might send it."""
