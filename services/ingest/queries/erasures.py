"""An erasure's certificate: what was removed where, who has still to answer, and what ages out when."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final, NamedTuple

from services.ingest.store.desk.erasures import Erasure, load_erasure
from shared.contracts.topics import CONTACTS, DEAD_LETTERS, RAW, SCORES, SERVICES
from shared.kernel.errors import Rejected
from shared.kernel.instants import MICROSECOND, Instant
from shared.postgres.database import Database

_COMPACTED_WITHIN: Final = timedelta(hours=48)
"""12 hours until the log compacts (`max.compaction.lag.ms`), a day for the tombstone, and its passes."""
_QUARANTINE: Final = timedelta(days=30)
"""As `LEADMILL_INGEST_KEEP_QUARANTINE` has it by default."""


class ErasureUnknown(Rejected):
    """Nobody with this id asked to be forgotten; POST /v1/erasures answers with the id."""

    code = "erasure.unknown"


class Removed(NamedTuple):
    """How many rows of a table a service scrubbed, or of a column where the row stays without it."""

    service: str
    place: str
    rows: int


class AgesOut(NamedTuple):
    """Where bytes lie as they came until they are old enough, and when nothing of the person is left."""

    where: str
    by: Instant


class Certificate(NamedTuple):
    """What became of a wish to be forgotten. ``waiting_for`` names who has not answered yet."""

    erasure: Erasure
    removed: list[Removed]
    waiting_for: list[str]
    ages_out: list[AgesOut]


class ErasureFiles:
    """Answers what was removed because somebody asked to be forgotten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_certificate(self, lead: str) -> Certificate:
        """Return the certificate of an erasure. :raises ErasureUnknown: if there is none."""
        async with self._database.connection() as connection:
            erasure = await load_erasure(connection, lead)
        if erasure is None:
            raise ErasureUnknown
        return certificate_of(erasure)


def certificate_of(erasure: Erasure) -> Certificate:
    """Return what an erasure amounts to so far."""
    counts: Counter[tuple[str, str]] = Counter()
    answered: dict[str, set[str]] = {service: set() for service in SERVICES}
    for profile, service, place, rows in erasure.removed:
        if place:
            counts[service, place] += rows
        else:
            answered.setdefault(service, set()).add(profile)
    waiting = [service for service in SERVICES if not answered[service] >= set(erasure.profiles)]
    if erasure.looked_through is None:
        waiting.append("ingest: quarantine and dead letters")
    return Certificate(
        erasure=erasure,
        removed=[Removed(*key, count) for key, count in sorted(counts.items()) if count],
        waiting_for=waiting,
        ages_out=list(_ages_out(erasure.asked)),
    )


def _ages_out(asked: Instant) -> list[AgesOut]:
    stated = [(topic.name, topic.retention) for topic in (RAW, *DEAD_LETTERS.values())]
    stated += [(topic.name, _COMPACTED_WITHIN) for topic in (CONTACTS, SCORES)]
    stated.append(("ingest.quarantine, where nothing but a name tells whose it is", _QUARANTINE))
    return [
        AgesOut(where, asked + span // timedelta(microseconds=MICROSECOND))
        for where, span in stated
        if span is not None
    ]
