"""Items of hooks as messages: those that were delivered, and those that were fetched."""

from __future__ import annotations

from typing import Final

from services.ingest.api.messages import LARGEST_EVENT, Message
from services.ingest.api.stamping import Arrival, Stamper
from services.ingest.handlers.reading import OVERSIZE_KIND
from services.ingest.providers.port import HookItem
from shared.contracts.events.raw import ClientInfo
from shared.kernel.instants import Instant
from shared.log.port import NewRecord

_SAMPLE: Final = 8 * 1024


def message_of(item: HookItem, stamper: Stamper) -> Message:
    """Return an item as a message; of one that is too large the beginning, for quarantine."""
    message_id = item.message_id
    if message_id is not None and item.names_person:
        message_id = f"{item.kind}-{stamper.hash_of('hook', message_id)}"
    if len(item.body) > LARGEST_EVENT:
        sample = item.body[:_SAMPLE].decode("utf-8", "ignore").encode()
        return Message(OVERSIZE_KIND, sample, message_id, item.key)
    return Message(item.kind, item.body, message_id, item.key)


class FetchedItems:
    """Stamps what was fetched from a vendor as if the vendor had delivered it."""

    def __init__(self, stamper: Stamper) -> None:
        self._stamper = stamper

    def stamp(self, item: HookItem, *, source: str, received: Instant) -> tuple[str, NewRecord]:
        """Return the id of an item and its record."""
        message = message_of(item, self._stamper)
        return self._stamper.stamp(
            Arrival(source=source, channel="hook", received=received, client=ClientInfo()),
            kind=message.kind,
            body=message.body,
            message_id=message.message_id,
            key=message.key,
        )
