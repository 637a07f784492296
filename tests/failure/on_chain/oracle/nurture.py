"""Nurture's oracle: its handlers folded in the order of the commits, and its tables compared with that.

What senders do to the ledger by themselves (take a message, put it back) is noted by a trigger in the
transaction that does it, so it has its place among the commits, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from services.nurture.bootstrap import build_stage
from services.nurture.domain.desk import Desk
from services.nurture.domain.enrolments import Enrolment
from services.nurture.domain.leads import Contact, Lead, Profile
from services.nurture.domain.learnt import RecordResults
from services.nurture.domain.messages import PLANNED, SENDING, Message
from services.nurture.handlers.nurturing import NurtureHandlers, leads_of
from services.nurture.store.desk_rows import message_of
from services.nurture.store.documents import read_rulebook
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database, Row
from tests.engine.tally import PARTITIONS
from tests.failure.on_chain.oracle.locked import CommandTaken, LockedExpected, LockedReplay, compare_timers
from tests.failure.on_services.oracle.tables import compare_maps
from tests.failure.on_services.worker import CALENDAR, CONFIG
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.journal import Entry

DDL: Final = """
CREATE TABLE recorded (idempotency_key text PRIMARY KEY, said text NOT NULL);
CREATE TABLE taken (transaction bigint NOT NULL, message text NOT NULL, state text NOT NULL);
CREATE FUNCTION note_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO taken VALUES (pg_current_xact_id()::text::bigint, NEW.id, NEW.state);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_taken AFTER UPDATE OF state ON message FOR EACH ROW
WHEN (OLD.state <> NEW.state AND NEW.state IN ('planned', 'sending')) EXECUTE FUNCTION note_taken();
"""
_NEXT: Final = {PLANNED: SENDING, SENDING: PLANNED}

NurtureExpected = LockedExpected[Desk]


class NurtureReplay(LockedReplay[Desk]):
    """Replays nurture's journal, and what its senders took and put back."""

    def __init__(
        self, log: Mapping[TopicPartition, Sequence[Record]], commands: Mapping[str, CommandTaken]
    ) -> None:
        rules = read_rulebook(CONFIG, calendar=CALENDAR).rules
        super().__init__(
            log,
            stage=build_stage(rules, partitions=PARTITIONS),
            handle=NurtureHandlers(rules).handle,
            leads_of=leads_of,
            desk=Desk(),
            commands=commands,
        )

    def follow(self, entry: Entry) -> None:
        """Let messages be taken, which only those may be whose run lasts and who can be reached."""
        desk, faults = self.expected.desk, self.expected.faults
        for identity, state in entry.beside:
            message = desk.messages.find(identity)
            if message is None or _NEXT.get(message.state) != state:
                faults.append(f"mail: {identity} became {state}, it was {message and message.state}")
                continue
            run, contact = desk.enrolments.find(message.enrolment), desk.contacts.find(message.lead)
            is_allowed = run is not None and run.is_running and contact is not None and contact.email
            if state == SENDING and not is_allowed:
                faults.append(f"mail: {identity} was taken, and its run is {run}")
            desk.messages.put(identity, msgspec.structs.replace(message, state=state))


async def load_taken(database: Database) -> list[Entry]:
    """Return what senders took and put back, as entries of the journal."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT transaction, message, state FROM taken ORDER BY message")
    moves: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        moves.setdefault(row["transaction"], []).append((row["message"], row["state"]))
    return [Entry(number, "sender", "", {}, [], {}, beside) for number, beside in moves.items()]


async def load_recorded(database: Database) -> dict[str, CommandTaken]:
    """Return what senders recorded, by idempotency key."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT idempotency_key, received, said FROM command JOIN recorded USING (idempotency_key)"
        )
    taken = {}
    for row in rows:
        said = msgspec.json.decode(row["said"], type=RecordResults)
        taken[row["idempotency_key"]] = CommandTaken(said.results[0].lead, said, row["received"])
    return taken


async def compare_nurture(database: Database, expected: NurtureExpected, differences: Differences) -> None:
    """Compare nurture's tables, row by row, with what its handlers say."""
    desk = expected.desk
    async with database.connection() as connection:
        leads = await connection.fetch("SELECT state FROM lead WHERE state IS NOT NULL")
        profiles = await connection.fetch("SELECT state FROM profile")
        contacts = await connection.fetch("SELECT lead, version, state FROM contact")
        enrolments = await connection.fetch("SELECT details FROM enrolment")
        messages = await connection.fetch("SELECT * FROM message")
        said = await connection.fetch(
            "SELECT event, lead, kind, at, cause, enrolment, message, reason FROM said"
        )
    known = [msgspec.json.decode(row["state"], type=Lead) for row in leads]
    _compare("lead", known, desk.lead_rows, differences)
    people = [msgspec.json.decode(row["state"], type=Profile) for row in profiles]
    _compare("profile", people, desk.profiles, differences)
    compare_maps(
        "contact",
        {row["lead"]: _contact(row) for row in contacts},
        {one.lead: one for one in desk.contacts},
        differences,
    )
    runs = [msgspec.json.decode(row["details"], type=Enrolment) for row in enrolments]
    _compare("enrolment", runs, desk.enrolments, differences)
    _compare("message", [message_of(row) for row in messages], desk.messages, differences)
    compare_maps(
        "said",
        {row["event"]: tuple(row) for row in said},
        {row.event: tuple(row) for row in desk.said},
        differences,
    )
    await compare_timers(database, expected.timers, differences)


def _compare(
    kind: str,
    found: Iterable[Lead | Profile | Enrolment | Message],
    wanted: Iterable[Lead | Profile | Enrolment | Message],
    differences: Differences,
) -> None:
    compare_maps(kind, {one.id: one for one in found}, {one.id: one for one in wanted}, differences)


def _contact(row: Row) -> Contact:
    if row["state"] is None:
        return Contact(lead=row["lead"], version=row["version"])
    return msgspec.json.decode(row["state"], type=Contact)
