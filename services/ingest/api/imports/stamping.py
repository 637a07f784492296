"""Rows of tables as messages, stamped like everything else that comes in."""

from __future__ import annotations

import msgspec

from services.ingest.api.native.bodies import person_key_of, report_key_of
from services.ingest.api.stamping import Arrival, Stamper
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.imports.rows import Row, RowChannel
from services.ingest.handlers.reading import RELEASE_KIND, RequestContext
from shared.contracts.events.raw import ClientInfo, RawReceived
from shared.kernel.instants import Instant
from shared.log.port import NewRecord

_NOBODY = ClientInfo()


class ImportedRows:
    """Stamps rows; a row that says the same again gets the same id, whichever file it stands in."""

    def __init__(self, stamper: Stamper) -> None:
        self._stamper = stamper

    def hash_of(self, kind: str, value: str) -> str:
        """Return the keyed hash of what may name somebody."""
        return self._stamper.hash_of(kind, value)

    @staticmethod
    def raw_of(row: Row, *, channel: RowChannel, source: str, import_id: str) -> RawReceived:
        """Return the message that a row is."""
        context = RequestContext(
            import_id=import_id, is_history=row.is_history, owner=row.owner, status=row.status
        )
        return RawReceived(
            source=source,
            channel=channel,
            kind=channel,
            body=msgspec.json.encode(row.body).decode(),
            batch_context=msgspec.json.encode(context).decode(),
        )

    def stamp(self, row: Row, raw: RawReceived, *, message_id: str, received: Instant) -> NewRecord:
        """Return the record of a row; what a source says of one person stays in order."""
        of_person = raw.channel in {"lead", "event"}
        _, record = self._stamper.stamp(
            Arrival(
                source=raw.source,
                channel=raw.channel,
                received=received,
                client=_NOBODY,
                batch_context=raw.batch_context,
            ),
            kind=raw.kind,
            body=raw.content,
            message_id=message_id,
            key=person_key_of(row.body) if of_person else report_key_of(row.body),
        )
        return record

    def release(self, lead: str, *, import_id: str, source: str, received: Instant) -> NewRecord:
        """Return the record that releases a lead which an import holds."""
        context = msgspec.json.encode(RequestContext(release=import_id)).decode()
        _, record = self._stamper.stamp(
            Arrival(
                source=source,
                is_internal=True,
                channel="lead",
                received=received,
                client=_NOBODY,
                batch_context=context,
            ),
            kind=RELEASE_KIND,
            body=msgspec.json.encode({"lead_id": lead}),
            message_id=f"release-{import_id}-{lead}",
            key=(IdentifierKind.LEAD, lead),
        )
        return record
