"""An erasure's certificate: what was removed where, who has still to answer, and what ages out when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from services.ingest.store.desk.erasures import Erasure, load_erasure
from shared.contracts.topics import CONTACTS, DEAD_LETTERS, RAW, SCORES, SERVICES
from shared.kernel.errors import Rejected
from shared.kernel.instants import MICROSECOND, MILLISECOND, Instant
from shared.log.port import Log, TopicLayout
from shared.postgres.database import Database

_STATED: Final = (RAW, *DEAD_LETTERS.values(), CONTACTS, SCORES)
"""Topics on which bytes lie on for a while."""

_PASSES: Final = timedelta(days=1)
"""For the log's own rounds, and for the tombstones that are said again (`services.ingest.jobs.wiping`)."""


class ErasureUnknown(Rejected):
    """Nobody with this id asked to be forgotten; POST /v1/erasures answers with the id."""

    code = "erasure.unknown"


class Removed(NamedTuple):
    """How many rows of a table a service scrubbed, or of a column where the row stays without it."""

    service: str
    place: str
    rows: int


class AgesOut(NamedTuple):
    """Where bytes lie as they came until they are old enough, and when nothing of the person is left.

    ``by`` is None where the deployment keeps them for good.
    """

    where: str
    by: Instant | None


class Certificate(NamedTuple):
    """What became of a wish to be forgotten. ``waiting_for`` names who has not answered yet."""

    erasure: Erasure
    removed: list[Removed]
    waiting_for: list[str]
    ages_out: list[AgesOut]


class ErasureFiles:
    """Answers what was removed because somebody asked to be forgotten.

    ``quarantine`` is how long the deployment keeps what could not be used; how long topics keep bytes is
    asked of the log itself, for it may have been laid out otherwise than we would.
    """

    def __init__(self, database: Database, *, log: Log, quarantine: timedelta) -> None:
        self._database = database
        self._log = log
        self._quarantine = quarantine

    async def find_certificate(self, lead: str) -> Certificate:
        """Return the certificate of an erasure.

        :raises ErasureUnknown: if there is none.
        :raises Unavailable: if the log does not tell how its topics are laid out.
        """
        async with self._database.connection() as connection:
            erasure = await load_erasure(connection, lead)
        if erasure is None:
            raise ErasureUnknown
        admin = await self._log.admin()
        try:
            layouts = await admin.layouts()
        finally:
            await admin.stop()
        return certificate_of(erasure, layouts=layouts, quarantine=self._quarantine)


def certificate_of(
    erasure: Erasure, *, layouts: Mapping[str, TopicLayout], quarantine: timedelta
) -> Certificate:
    """Return what an erasure amounts to so far, on topics that are laid out like this."""
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
        ages_out=_ages_out(erasure.asked, layouts, quarantine),
    )


def _ages_out(asked: Instant, layouts: Mapping[str, TopicLayout], quarantine: timedelta) -> list[AgesOut]:
    found = []
    for topic in _STATED:
        layout = layouts.get(topic.name)
        if layout is not None:
            clears = layout.clears_ms
            by = None if clears is None else asked + clears * MILLISECOND + _microseconds(_PASSES)
            found.append(AgesOut(topic.name, by))
    nameless = "ingest.quarantine, where nothing but a name tells whose it is"
    return [*found, AgesOut(nameless, asked + _microseconds(quarantine))]


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=MICROSECOND)
