"""Tells a sender at once which messages will be of no use, and what to do about it.

They are kept all the same: the resolver puts them into quarantine under the same code, and a wrong setting
of ours loses nothing. Documents decide what can be used, so the resolver's own reader is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from services.ingest.api.messages import ItemFault, Message
from services.ingest.api.stamping import Channel
from shared.contracts.events.raw import RawReceived
from shared.kernel.instants import Instant
from shared.security.write_keys import Entrance
from shared.telemetry.logging import get_logger

_BETWEEN_BREATHS: Final = 32

ADVICE: Final[Mapping[str, tuple[str | None, str]]] = {
    "cost.amount_malformed": (
        "amount",
        "An amount is a plain number, not below zero.",
    ),
    "cost.day_malformed": ("day", "Write the day as YYYY-MM-DD."),
    "cost.no_amount": ("amount", "A cost needs an amount."),
    "cost.no_campaign": ("campaign", "Name the campaign that cost it."),
    "cost.no_currency": ("currency", "Name the currency (ISO 4217); no default is set here."),
    "cost.unknown_kind": ("kind", "A cost is of the kind ads, content or labour."),
    "intake.malformed_json": (
        None,
        "Nested too deep, a number too large, or half a character.",
    ),
    "intake.no_event_name": ("event", "Name what happened in the field event."),
    "intake.no_identity": (
        "email",
        "Nothing tells whose it is: name email, phone, user_id, external_id or anonymous_id as it really is.",
    ),
    "intake.not_utf8": (None, "Write it in UTF-8."),
    "intake.platform_event": ("type", "Only the platform itself can say that; name what you know yourself."),
    "outcome.amount_malformed": (
        "amount",
        "An amount is a plain number as fine as its currency; only a payment may lie below zero.",
    ),
    "outcome.no_amount": ("amount", "What was won or paid needs an amount."),
    "outcome.no_currency": ("currency", "Name the currency (ISO 4217); no default is set here."),
    "outcome.no_opportunity": ("opportunity", "Name the opportunity as the sales system does."),
    "outcome.no_stage": ("stage", "Name the stage that it moved to."),
    "outcome.unknown_kind": (
        "kind",
        "Say opportunity_created, stage_changed, won, lost or payment_received.",
    ),
}
"""For each code under which a message of the native API may go to quarantine: its field, and what to do."""

logger = get_logger(__name__)

_UNTOLD: Final = (None, "It was kept in quarantine under this code.")


class FindRefusal(Protocol):
    """Says why a message cannot be used; ``services.ingest.handlers.reading.RawReader`` does."""

    def __call__(self, raw: RawReceived, *, record_id: str, received: Instant) -> str | None:
        """Return the code under which it will go to quarantine, None if it can be used."""
        ...


async def judge(
    messages: Sequence[Message],
    ids: Sequence[str],
    *,
    entrance: Entrance,
    channel: Channel,
    received: Instant,
    known: Sequence[ItemFault],
    find_refusal: FindRefusal,
) -> list[ItemFault]:
    """Return what is wrong with messages that were just kept, in order; ``known`` is known already."""
    faults = {fault.index: fault for fault in known}
    for index, (message, record_id) in enumerate(zip(messages, ids, strict=False)):
        if index in faults:
            continue
        if index % _BETWEEN_BREATHS == _BETWEEN_BREATHS - 1:
            await asyncio.sleep(0)
        raw = RawReceived(
            source=entrance.source,
            channel=channel,
            kind=message.kind,
            body=message.body.decode(),
            is_internal=entrance.is_internal,
        )
        try:
            code = find_refusal(raw, record_id=record_id, received=received)
        except Exception:  # kept already: what is wrong with it is the resolver's to say
            logger.exception("verdict_failed", record_id=record_id)
            continue
        if code is not None:
            field, text = ADVICE.get(code, _UNTOLD)
            faults[index] = ItemFault(index, code, text, field)
    return [faults[index] for index in sorted(faults)]
