"""What arrived at the edge. Key: keyed hash of the best identifier in it; personal data, short-lived."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from shared.contracts.attributes import EXAMPLE_MOMENT, Moment, SourceName
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import RAW


class ClientInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What the connection told about the sender."""

    ip: str | None = None
    user_agent: str | None = None
    referrer_origin: str | None = None
    is_staff: Annotated[
        bool, Meta(description="The browser carries the cookie by which own staff mark theirs")
    ] = False


@DECLARED.declare(name="raw_received", on=RAW)
class RawReceived(Event, frozen=True, kw_only=True):
    """The edge says: this was received from an authenticated source and is kept.

    One record per item, of a batch too; said before anything but authentication and bounds was
    checked. Does not imply that the item is valid, new, or about a person. Exactly one of ``body``
    and ``body_base64`` is there.
    """

    source: SourceName
    channel: Literal["sdk", "lead", "form", "outcome", "cost", "hook", "link", "cloudevent", "event"]
    kind: Annotated[
        str, Meta(description="What the client called it, for example track; of a hook the provider")
    ]
    body: Annotated[str | None, Meta(description="Verbatim text of the one item")] = None
    body_base64: Annotated[
        bytes | None, Meta(description="The bytes of the item where they are not UTF-8")
    ] = None
    sent: Annotated[Moment | None, Meta(description="The client's clock when it sent, if it said so")] = None
    batch_context: Annotated[
        str | None,
        Meta(description="Verbatim JSON text of the context that the batch gave for all its items"),
    ] = None
    client: ClientInfo = ClientInfo()
    is_internal: Annotated[
        bool, Meta(description="From one of the platform's own services, which may name leads by our ids")
    ] = False

    def __post_init__(self) -> None:
        """Hold the either-or; a decoder reports it as malformed."""
        if (self.body is None) == (self.body_base64 is None):
            raise ValueError("give exactly one of body and body_base64")

    @property
    def content(self) -> bytes:
        """The bytes of the item as they arrived."""
        return self.body.encode() if self.body is not None else self.body_base64 or b""


EXAMPLES: Final = (
    RawReceived(
        source="website",
        channel="sdk",
        kind="track",
        body='{"type":"track","event":"Demo Requested","anonymousId":"a-1","messageId":"ajs-next-31c3"}',
        sent=EXAMPLE_MOMENT,
        batch_context='{"library":{"name":"analytics.js"}}',
        client=ClientInfo(ip="192.0.2.7", user_agent="Mozilla/5.0", referrer_origin="https://example.com"),
    ),
    RawReceived(source="fair", channel="form", kind="form", body_base64=b"name=\xc9\xe8"),
    RawReceived(
        source="nurture",
        channel="sdk",
        kind="track",
        body='{"event":"Email Opened","leadId":"5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f","messageId":"n-1"}',
        is_internal=True,
    ),
)
