"""Ingest's answers to the audit: nothing was lost on the way in, and the directory holds together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.contracts.topics import RAW
from shared.log.port import Log
from shared.postgres.database import Database
from shared.processor.checks import Finding, check_outbox, check_receipts

_MOST_NAMED: Final = 100

_ORPHANS: Final = """
SELECT i.value_hash FROM identifier i LEFT JOIN profile p ON p.id = i.profile WHERE p.id IS NULL LIMIT $1
"""
_HOMELESS: Final = """
SELECT p.id FROM profile p LEFT JOIN lead l ON l.id = p.lead WHERE l.id IS NULL LIMIT $1
"""
_MERGED_AWAY: Final = """
SELECT p.id FROM profile p JOIN profile own ON own.id = p.lead WHERE own.lead <> own.id LIMIT $1
"""
_EMPTY_LEADS: Final = """
SELECT l.id FROM lead l LEFT JOIN profile own ON own.id = l.id WHERE own.id IS NULL LIMIT $1
"""
_CONTACTS: Final = """
SELECT c.lead FROM contact c LEFT JOIN lead l ON l.id = c.lead WHERE l.id IS NULL LIMIT $1
"""
_ERASED: Final = """
SELECT l.id FROM lead l JOIN contact c ON c.lead = l.id WHERE l.erased IS NOT NULL
UNION SELECT id FROM lead WHERE erased IS NOT NULL AND (attributes <> '{}' OR external_ids <> '[]') LIMIT $1
"""
_HALF_ERASED: Final = """
SELECT p.id FROM profile p JOIN lead own ON own.id = p.id JOIN lead l ON l.id = p.lead
WHERE (own.erased IS NULL) <> (l.erased IS NULL) LIMIT $1
"""
_MISJUDGED: Final = """
SELECT p.lead FROM profile p WHERE p.lead IN (SELECT lead FROM profile WHERE verdict % 2 = 1)
GROUP BY p.lead HAVING count(*) FILTER (WHERE p.verdict % 2 = 0) > 0 LIMIT $1
"""
_RECEIPTS: Final = """
SELECT partition, min(first_offset) AS first, max(next_offset) AS following,
       sum(processed + duplicate + quarantined + dead) AS counted
FROM receipt WHERE consumer_group = $1 AND topic = $2 GROUP BY partition ORDER BY partition
"""

_ENDED: Final = """
SELECT coalesce(r.partition, s.partition) AS partition, s.partition IS NOT NULL AS is_counted,
       r.processed, r.duplicate, r.quarantined, r.dead,
       s.processed AS of_sources, s.duplicate AS repeats, s.quarantined AS kept, s.dead AS lost
FROM (SELECT partition, sum(processed) AS processed, sum(duplicate) AS duplicate,
             sum(quarantined) AS quarantined, sum(dead) AS dead
      FROM receipt WHERE consumer_group = $1 AND topic = $2 GROUP BY partition) r
FULL JOIN (SELECT partition,
             coalesce(sum(messages) FILTER (WHERE outcome = 'processed'), 0) AS processed,
             coalesce(sum(messages) FILTER (WHERE outcome = 'duplicate'), 0) AS duplicate,
             coalesce(sum(messages) FILTER (WHERE outcome = 'quarantined'), 0) AS quarantined,
             coalesce(sum(messages) FILTER (WHERE outcome = 'dead'), 0) AS dead
      FROM source_resolved GROUP BY partition) s USING (partition)
ORDER BY partition
"""


class IngestChecks:
    """Compares the raw topic with the receipts, and the directory's tables with each other."""

    def __init__(self, database: Database, log: Log, *, group: str) -> None:
        self._database = database
        self._log = log
        self._group = group

    async def check(self, *, full: bool) -> Sequence[Finding]:
        """Check everything; ``full`` makes no difference, because nothing here is sampled."""
        return [
            await check_receipts(self._database, service="ingest", group=self._group),
            await self.check_raw_records(),
            await self.check_sources(),
            *await self.check_directory(),
            await check_outbox(self._database, service="ingest"),
        ]

    async def check_raw_records(self) -> Finding:
        """Check that the receipts of the raw topic reach from its first record to its last.

        Leads, behaviour, outcomes and costs are all raw records.

        What was read counts once: as processed, repeated, quarantined or dead. What was appended after
        the ends were looked up is in flight and not looked at.
        """
        admin = await self._log.admin()
        try:
            bounds = await admin.bounds([RAW.name])
        finally:
            await admin.stop()
        async with self._database.connection() as connection:
            rows = await connection.fetch(_RECEIPTS, self._group, RAW.name)
        receipts = {row["partition"]: row for row in rows}
        breaches = []
        looked_at = 0
        for target, (start, end) in sorted(bounds.items()):
            name = f"{target.topic}/{target.partition}"
            looked_at += end - start
            row = receipts.get(target.partition)
            if row is None:
                if end > start:
                    breaches.append(f"{name}: offsets {start} to {end - 1} were not read")
                continue
            if row["first"] > start:
                breaches.append(f"{name}: offsets {start} to {row['first'] - 1} have no receipt")
            if row["following"] < end:
                breaches.append(f"{name}: offsets from {row['following']} on were not read")
            if row["counted"] != (length := row["following"] - row["first"]):
                breaches.append(f"{name}: {row['counted']} of {length} records are accounted for")
        return Finding(
            check="ingest: every raw record is accounted for", looked_at=looked_at, breaches=breaches
        )

    async def check_sources(self) -> Finding:
        """Check that what is counted by source adds up to the receipts, partition by partition.

        A record that could not be read has no source, and what was found to be a dead letter only when it
        was to be said is a source's as processed; nothing else may differ.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(_ENDED, self._group, RAW.name)
        breaches = []
        looked_at = 0
        for row in rows:
            if not row["is_counted"]:
                continue  # nothing came in since sources are counted
            name = f"{RAW.name}/{row['partition']}"
            if row["processed"] is None:
                breaches.append(f"{name}: is counted by source and has no receipt")
                continue
            by_source = row["of_sources"] + row["repeats"] + row["kept"] + row["lost"]
            looked_at += by_source
            by_receipt = row["processed"] + row["duplicate"] + row["quarantined"] + row["dead"]
            unread = by_receipt - by_source
            if row["kept"] != row["quarantined"]:
                breaches.append(
                    f"{name}: {row['kept']} quarantined by source, {row['quarantined']} by receipt"
                )
            if not row["processed"] <= row["of_sources"] <= row["processed"] + row["dead"]:
                breaches.append(
                    f"{name}: {row['of_sources']} processed by source, {row['processed']} by receipt"
                )
            if row["repeats"] > row["duplicate"]:
                breaches.append(f"{name}: {row['repeats']} repeated by source, {row['duplicate']} by receipt")
            if not 0 <= unread <= row["dead"] + row["duplicate"] - row["repeats"]:
                breaches.append(f"{name}: {by_source} by source, {by_receipt} by receipt")
        return Finding(
            check="ingest: what is counted by source adds up to the receipts",
            looked_at=looked_at,
            breaches=breaches,
        )

    async def check_directory(self) -> Sequence[Finding]:
        """Check that identifiers, profiles, leads and contacts lead to each other, and to nobody erased."""
        return [
            await self._compare("ingest: every identifier has a profile", "identifier", _ORPHANS),
            await self._compare("ingest: every profile has a lead", "profile", _HOMELESS),
            await self._compare("ingest: no profile lives with a merged lead", "profile", _MERGED_AWAY),
            await self._compare("ingest: every lead has its own profile", "lead", _EMPTY_LEADS),
            await self._compare("ingest: every contact has a lead", "contact", _CONTACTS),
            await self._compare("ingest: nothing names anybody who was erased", "lead", _ERASED),
            await self._compare("ingest: who was erased is erased as a whole", "profile", _HALF_ERASED),
            await self._compare("ingest: a lead's profiles carry one verdict", "profile", _MISJUDGED),
        ]

    async def _compare(self, check: str, table: str, query: str) -> Finding:
        async with self._database.connection() as connection:
            looked_at = await connection.fetch_value(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
            rows = await connection.fetch(query, _MOST_NAMED)
        return Finding(check=check, looked_at=looked_at, breaches=[row[0] for row in rows])
