"""The SDK protocol: what Segment's and RudderStack's clients send, as they really send it.

Both speak one protocol in two dialects: traits stand in ``traits`` or in ``context.traits``, the
moment in ``timestamp`` or ``originalTimestamp``, an absent id is null, "" or not there. Whatever is
of another type than expected counts as absent; only a message that identifies nobody or says nothing
is refused.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from services.ingest.domain.acts import Act, ActReader
from services.ingest.domain.dialects.acquisition import AcquisitionReader, Clues
from services.ingest.domain.identifiers import (
    HashIdentifier,
    Identifier,
    IdentifierKind,
    IdentityRules,
    clean_text,
)
from services.ingest.domain.intake import Claims, Intake, Refusal, address, identify, show_message_id
from services.ingest.domain.links.addresses import click_that_counts, find_click
from services.ingest.domain.moments import correct_moment, read_moment
from services.ingest.domain.traits import TraitReader, Traits
from shared.kernel.instants import Instant

CALLS: Final = frozenset({"identify", "track", "page", "screen", "group", "alias"})
"""The calls of the protocol that carry one message."""

MALFORMED: Final = Refusal("intake.malformed_json")
NO_IDENTITY: Final = Refusal("intake.no_identity")
UNKNOWN_CALL: Final = Refusal("intake.unknown_call")
NO_EVENT_NAME: Final = Refusal("intake.no_event_name")


class _Context(msgspec.Struct, gc=False):
    traits: Any = None
    page: Any = None
    campaign: Any = None
    userAgent: Any = None  # noqa: N815 - the protocol's name


class _Item(msgspec.Struct, gc=False):
    type: Any = None
    messageId: Any = None  # noqa: N815 - the protocol's names
    userId: Any = None  # noqa: N815
    anonymousId: Any = None  # noqa: N815
    previousId: Any = None  # noqa: N815
    leadId: Any = None  # noqa: N815
    event: Any = None
    name: Any = None
    properties: Any = None
    traits: Any = None
    context: _Context | list[Any] | str | int | float | bool | None = None
    timestamp: Any = None
    originalTimestamp: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815


_read_item: Final = msgspec.json.Decoder(_Item).decode
_read_context: Final = msgspec.json.Decoder(_Context).decode

_LONGEST_AGENT: Final = 300

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for bytes that are no JSON object."""


class SdkReader:
    """Reads single messages of the SDK protocol."""

    def __init__(
        self,
        *,
        traits: TraitReader,
        acts: ActReader,
        acquisition: AcquisitionReader,
        rules: IdentityRules,
        hash_identifier: HashIdentifier,
    ) -> None:
        self._traits = traits
        self._acts = acts
        self._acquisition = acquisition
        self._rules = rules
        self._hash = hash_identifier

    def read(
        self,
        body: bytes | str,
        *,
        call: str,
        source: str,
        record_id: str,
        received: Instant,
        sent: Instant | None,
        batch_context: str | None = None,
        is_internal: bool = False,
    ) -> Intake | Refusal:
        """Return what one message says; ``call`` is what the route or the item itself named it.

        One of the platform's own sources (``is_internal``) may name the lead by our id, ``leadId``, and
        then nothing else that it says about the person counts.
        """
        try:
            item = _read_item(body)
            shared_context = _read_context(batch_context) if batch_context else _Context()
        except UNREADABLE:
            return MALFORMED
        if call not in CALLS:
            return UNKNOWN_CALL
        context = item.context if isinstance(item.context, _Context) else _Context()
        page = _object(context.page) or _object(shared_context.page)
        given = {**_object(shared_context.traits), **_object(context.traits)}
        properties = _object(item.properties)
        act: Act | None = None
        if call == "track":
            name = clean_text(item.event)
            if name is None:
                return NO_EVENT_NAME
            act = self._acts.read(name, properties)
        elif call == "page":
            act = self._acts.read_page(
                *(properties.get("path"), page.get("path"), properties.get("url"), page.get("url"))
            )
        elif call == "screen":
            act = self._acts.read_screen(item.name, properties)
        addressed = address(item.leadId, is_internal=is_internal)
        traits = None if addressed is not None else self._read_traits(call, item, given, properties)
        claims = Claims() if addressed is not None else self._claims(call, item)
        anchors, anonymous, external = identify(
            claims, traits, source=source, record_id=record_id, rules=self._rules, hash_identifier=self._hash
        )
        if not anchors and not anonymous and addressed is None:
            return NO_IDENTITY
        own = read_moment(item.originalTimestamp)
        occurred = correct_moment(
            original=own if own is not None else read_moment(item.timestamp),
            sent=read_moment(item.sentAt) if item.sentAt is not None else sent,
            received=received,
        )
        return Intake(
            source=source,
            occurred=occurred,
            anchors=anchors,
            anonymous=anonymous,
            message_id=show_message_id(clean_text(item.messageId)),
            external=external,
            traits=traits,
            act=act,
            acquisition=None
            if addressed is not None
            else self._acquisition.read(
                Clues(
                    url=properties.get("url") or page.get("url"),
                    search=properties.get("search") or page.get("search"),
                    referrer=properties.get("referrer", page.get("referrer")),
                    campaign=_object(context.campaign) or _object(shared_context.campaign),
                )
            ),
            addressed=addressed,
            click=None if addressed is not None else self._click(properties, page, occurred),
            agent=(clean_text(context.userAgent) or clean_text(shared_context.userAgent) or "")[
                :_LONGEST_AGENT
            ],
        )

    def _click(
        self, properties: dict[str, object], page: dict[str, object], occurred: Instant
    ) -> Identifier | None:
        for place in (properties, page):
            found = find_click(place.get("url")) or find_click(place.get("search"))
            click = click_that_counts(found, occurred=occurred)
            if click is not None:
                return self._hash(IdentifierKind.CLICK, click)
        return None

    def _read_traits(
        self, call: str, item: _Item, given: dict[str, object], properties: dict[str, object]
    ) -> Traits | None:
        own = _object(item.traits)
        if call == "group":
            given = {f"company.{name}": value for name, value in own.items() if not isinstance(value, dict)}
        elif call in {"identify", "alias"}:
            given = {**given, **own}
        else:
            given = {**given, **{name: properties[name] for name in ("email", "phone") if name in properties}}
        return self._traits.read(given) if given else None

    @staticmethod
    def _claims(call: str, item: _Item) -> Claims:
        devices = (item.previousId, item.anonymousId) if call == "alias" else (item.anonymousId,)
        return Claims(item.userId, devices)


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
