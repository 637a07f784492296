"""What must hold of every table brought in: each row counts once, and who is held starts when released.

Nothing of the journal is used here: only the tables as they were sent, the raw topic, what ingest said, and
what it keeps of imports. That each row has the right effect is the replay's to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from services.ingest.handlers.reading import RELEASE_KIND, RequestContext
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.leads import LeadReleased
from shared.contracts.events.raw import RawReceived
from shared.contracts.topics import LEADS, RAW
from shared.kernel.errors import Verdict
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Row
from tests.failure.on_services.oracle.effects import first_records
from tests.failure.on_services.oracle.ingest import IngestExpected
from tests.failure.on_services.surroundings.tables import Table
from tests.failure.oracle.comparison import Differences

if TYPE_CHECKING:
    from tests.failure.on_services.surroundings.field import Front

Log = Mapping[TopicPartition, Sequence[Record]]

_MARK: Final = re.compile(r"mark-\d+-\d+\.")
_LOAD: Final = (
    "SELECT id, file_name, state, digest, options, rows_done, counts, code FROM table_import ORDER BY created"
)
_FAULTS: Final = "SELECT import_id, row_number, code FROM import_fault"


async def check_imports(
    field: Front, log: Log, expected: IngestExpected, differences: Differences
) -> dict[str, int]:
    """Check every table of the run; returns what is worth to be told."""
    tables = {table.name: table for one in field.importers for table in one.tables}
    async with field.database.connection() as connection:
        rows = await connection.fetch(_LOAD)
        faults = await connection.fetch(_FAULTS)
    reasons: dict[str, list[tuple[int, str]]] = {}
    for fault in faults:
        reasons.setdefault(fault["import_id"], []).append((fault["row_number"], fault["code"]))
    brought: Counter[str] = Counter()
    for row in rows:
        table = tables.get(row["file_name"])
        if table is None:
            if row["digest"]:
                differences.add(
                    "import", f"{row['id']} is of a table that nobody has sent: {row['file_name']}"
                )
            continue
        if _begins(row, table):
            brought[table.name] += 1
            _check_ended(row, table, sorted(reasons.get(row["id"], ())), differences)
        elif row["state"] not in {"checked", "cancelled"}:
            differences.add("import", f"{row['id']} of {table.name} is {row['state']}, and nobody started it")
    arrived, releases = _read(log)
    check_rows([tables[name] for name in tables], brought, arrived, differences)
    portions = check_releases(list(tables.values()), releases, differences)
    released = _check_released(log, releases, expected, differences)
    return {
        "tables brought in": sum(brought.values()),
        "rows": len(arrived),
        "portions released": portions,
        "leads released": released,
    }


def _begins(row: Row, table: Table) -> bool:
    return bool(row["digest"]) and (table.starts or row["id"] in table.started)


def _check_ended(
    row: Row, table: Table, reasons: Sequence[tuple[int, str]], differences: Differences
) -> None:
    """An import that was to begin has ended, and accounts for every row, and for each refused one why."""
    name = f"{row['id']} of {table.name}"
    if row["state"] != "done" or row["rows_done"] != len(table.rows):
        differences.add(
            "lost",
            f"import {name} is {row['state']} {row['code'] or ''} after {row['rows_done']} rows"
            f" of {len(table.rows)}",
        )
        return
    counts: dict[str, Any] = msgspec.json.decode(row["counts"])
    empty = sum(one.is_empty for one in table.rows)
    wanted = [(number, one.refusal) for number, one in enumerate(table.rows, 2) if one.refusal]
    found = (counts["empty"], counts["refused"], counts["taken"] + counts["repeated"])
    ought = (empty, len(wanted), len(table.rows) - empty - len(wanted))
    if found != ought:
        differences.add("import", f"{name} counts {counts}, should have empty, refused, others: {ought}")
    if [code for _, code in reasons] != [code for _, code in wanted]:
        differences.add("import", f"{name} was refused {reasons}, should be {wanted}")


def _read(log: Log) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the ids under which each marked row lies in the raw topic, and the leads released by import."""
    arrived: dict[str, set[str]] = {}
    releases: dict[str, set[str]] = {}
    for tp, records in log.items():
        for record in records if tp.topic == RAW.name else ():
            try:
                envelope = decode_envelope(record.value or b"")
                raw = decode_event(envelope)
            except Verdict:
                continue
            if not isinstance(raw, RawReceived) or not raw.batch_context:
                continue
            context = msgspec.json.decode(raw.batch_context, type=RequestContext)
            if raw.kind == RELEASE_KIND:
                lead = msgspec.json.decode(raw.content)["lead_id"]
                releases.setdefault(context.release, set()).add(lead)
            elif context.import_id and (found := _MARK.search(raw.content.decode())):
                arrived.setdefault(found.group(), set()).add(envelope.id)
    return arrived, releases


def check_rows(
    tables: Sequence[Table],
    brought: Mapping[str, int],
    arrived: Mapping[str, set[str]],
    differences: Differences,
) -> None:
    """Each row is one message, however often it was sent; where a source says two things of one, each is.

    What a source says of somebody after something else was said is said again, also by an import that finds,
    when it notes a row, that another has said something else meanwhile. So of such a row there are at most as
    many messages as rows about them were brought in.
    """
    times: Counter[str] = Counter()
    said_of: dict[tuple[str, str], set[str]] = {}
    keys: dict[str, tuple[str, str]] = {}
    for table in tables:
        for row in table.rows:
            if row.mark and brought.get(table.name):
                times[row.mark] += brought[table.name]
                keys[row.mark] = (table.source, row.key or row.mark)
                said_of.setdefault(keys[row.mark], set()).add(row.mark)
    for mark, count in times.items():
        alike = said_of[keys[mark]]
        most = sum(times[one] for one in alike) if len(alike) > 1 else 1
        ids = arrived.get(mark, set())
        if not ids:
            differences.add("lost", f"row {mark} was brought in {count} times and is no message")
        elif len(ids) > most:
            differences.add("double", f"row {mark}, brought in {count} times, is {len(ids)} messages")
    for mark in sorted(arrived.keys() - times.keys()):
        differences.add("unexplained", f"row {mark} is a message, and nobody has brought it in")


def check_releases(
    tables: Sequence[Table], releases: Mapping[str, set[str]], differences: Differences
) -> int:
    """A portion is answered the same however often it is asked for, and no more are released than told."""
    told: Counter[str] = Counter()
    portions = [portion for table in tables for portion in table.portions]
    for portion in portions:
        answers = [answer["released"] for answer in portion.answers]
        if len(set(answers)) > 1:
            differences.add("release", f"a portion of {portion.import_id} was answered {answers}")
        if answers and portion.count is not None and max(answers) > portion.count:
            differences.add("release", f"{answers} of {portion.import_id}, {portion.count} were asked for")
        told[portion.import_id] += max(answers, default=0)
    for import_id, leads in releases.items():
        if len(leads) > told[import_id]:
            differences.add(
                "release", f"{import_id} released {len(leads)} leads, and its portions told {told[import_id]}"
            )
    return len(portions)


def _check_released(
    log: Log, releases: Mapping[str, set[str]], expected: IngestExpected, differences: Differences
) -> int:
    """Nobody is released twice, and who was released is held no more."""
    said: Counter[tuple[str, str]] = Counter()
    for record in first_records(log, LEADS.name):
        event = decode_event(decode_envelope(record.value or b""))
        if isinstance(event, LeadReleased):
            said[event.profile, event.import_id] += 1
    for (profile, import_id), count in said.items():
        if count > 1:
            differences.add("double", f"{profile} was released from {import_id} {count} times")
    directory = expected.directory
    for import_id, leads in releases.items():
        for lead in leads:
            home = directory.leads[directory.profiles[lead].lead]
            if home.holds.get(lead) == import_id:
                differences.add("lost", f"{lead} was to be released from {import_id} and is held")
    return len(said)
