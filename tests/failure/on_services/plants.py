"""Planted bugs of the services' own, and of the engine under them; substituted inside a worker only.

Each is one that reading the code might miss: the verdict on a run must not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from services.analytics.domain.credits import Credit
from services.analytics.domain.outcomes import ConversionKey
from services.analytics.store import sharings
from services.ingest.api.imports.stamping import ImportedRows
from services.ingest.domain.desk.corrections import CorrectLead
from services.ingest.domain.directory import Directory
from services.ingest.domain.imports.rows import Row
from services.ingest.jobs.imports import importing, releasing
from services.ingest.store import directory_rows, resolver
from services.ingest.store.directory_commands import DirectoryCommands
from services.ingest.store.imports.rows import SaidRow
from services.routing.store import desk_rows
from services.scoring.store import leads as scored_leads
from shared.contracts.events.raw import RawReceived
from shared.delivery import mail
from shared.delivery.outcomes import Deferred
from shared.kernel.changes import Fact, TimerKey
from shared.kernel.instants import Instant
from shared.log.port import NewRecord, Record
from shared.postgres.database import Transaction
from shared.processor import commands
from shared.processor.assembly import AssembledStage
from shared.processor.stage import Decision
from shared.processor.tables.clocks import Clocks
from tests.failure.plants import remove_fence


def lock_no_leads() -> None:
    """Read leads and save them without keeping others from doing the same meanwhile."""
    unlocked = directory_rows._LOCK_LEADS.removesuffix(" FOR UPDATE")
    vars(directory_rows)["_LOCK_LEADS"] = unlocked


def forget_messages() -> None:
    """Take every message for a new one."""
    claim = directory_rows.claim_messages

    async def claim_all(transaction: Transaction, received: Mapping[str, int]) -> set[str]:
        await claim(transaction, received)
        return set(received)

    vars(resolver)["claim_messages"] = claim_all


def load_no_history() -> None:
    """Take every fact for newer than all that are stored."""

    def needs_none(*_: object) -> bool:
        return False

    vars(scored_leads)["needs_history"] = needs_none


def heal_no_contacts() -> None:
    """Leave late records of contacts unanswered."""
    resolver.Resolver.heal = _heal_nothing  # type: ignore[assignment, method-assign]


def heal_no_scores() -> None:
    """Leave late records of scores unanswered."""
    AssembledStage.heal = _heal_nothing  # type: ignore[assignment, method-assign]


def lock_no_routed_leads() -> None:
    """Let several people take one lead out of the pool at once."""
    unlocked = desk_rows._LOCK_LEADS.removesuffix(" FOR UPDATE")
    vars(desk_rows)["_LOCK_LEADS"] = unlocked


def lose_clocks() -> None:
    """Set no clock for every other lead."""
    change = Clocks.change

    def forget(self: Clocks, timers: Mapping[TimerKey, Instant | None]) -> None:
        change(self, {key: None if key.key[0] in "02468ace" else due for key, due in timers.items()})

    Clocks.change = forget  # type: ignore[method-assign]


def send_again() -> None:
    """Take a mail whose answer was lost for one that was never handed over."""
    vars(mail)["Unknown"] = Deferred


def double_credits() -> None:
    """Credit the first touch twice over."""
    insert = sharings._insert_credits

    async def insert_twice(
        transaction: Transaction, credited: Sequence[tuple[ConversionKey, Credit]]
    ) -> None:
        doubled = [
            (key, Credit(one.model, one.touch, one.minor * 2) if one.model == "first" else one)
            for key, one in credited
        ]
        await insert(transaction, doubled)

    vars(sharings)["_insert_credits"] = insert_twice


def say_no_corrections() -> None:
    """Put leads right and tell nobody."""
    correct = DirectoryCommands._correct

    async def correct_silently(
        self: DirectoryCommands, transaction: Transaction, fact: Fact, command: CorrectLead
    ) -> Decision:
        return (await correct(self, transaction, fact, command))._replace(emissions=())

    DirectoryCommands._correct = correct_silently  # type: ignore[method-assign]


def forget_keys() -> None:
    """Carry a command out anew whenever it is asked for again."""
    take = commands.take_key

    async def take_anew(transaction: Transaction, **asked: Any) -> None:
        await take(transaction, **asked)

    vars(commands)["take_key"] = take_anew


def leave_profiles_where_they_are() -> None:
    """Tell of merges, and leave profiles where they lived before."""
    save = directory_rows.save_directory

    async def save_all_but_moves(
        transaction: Transaction, directory: Directory, *, fresh: Collection[str]
    ) -> None:
        directory.changed_profiles -= {
            one for one in directory.changed_profiles if directory.profiles[one].lead != one
        }
        await save(transaction, directory, fresh=fresh)

    vars(resolver)["save_directory"] = save_all_but_moves


def note_before_the_append() -> None:
    """Move an import's position first, and append the portion behind it then."""

    async def note_first(
        slice_: Any, counts: Any, one: Any, tools: Any, appender: Any, *, claim: str, done: int
    ) -> Any:
        later = _Later()
        result = await importing._append(slice_, counts, one, tools, later)  # type: ignore[arg-type]
        await importing._note(result, one, tools, claim=claim, done=done)
        await appender.append(later.records)
        return result.counts

    vars(importing)["_take_in"] = note_first


class _Later:
    """Keeps what is to be appended."""

    def __init__(self) -> None:
        self.records: Sequence[NewRecord] = ()

    async def append(self, records: Sequence[NewRecord]) -> None:
        self.records = records


def name_rows_by_table() -> None:
    """Take every row of a table for new, whichever table has said it before."""

    async def load_nothing(_transaction: Transaction, _keys: Collection[bytes]) -> dict[bytes, SaidRow]:
        return {}

    async def save_nothing(_transaction: Transaction, _said: Mapping[bytes, SaidRow]) -> None:
        return None

    stamp = ImportedRows.stamp

    def stamp_anew(self: ImportedRows, row: Row, raw: RawReceived, **how: Any) -> NewRecord:
        name = f"{how.pop('message_id')}-{raw.batch_context}"
        return stamp(self, row, raw, message_id=name, **how)

    vars(importing)["load_said"] = load_nothing
    vars(importing)["save_said"] = save_nothing
    ImportedRows.stamp = stamp_anew  # type: ignore[method-assign]


def choose_leads_anew() -> None:
    """Release others when a portion is asked for again."""

    async def take_none(_transaction: Transaction, **_asked: Any) -> None:
        return None

    async def keep_none(_transaction: Transaction, **_asked: Any) -> None:
        return None

    vars(releasing)["take_key"] = take_none
    vars(releasing)["keep_reply"] = keep_none


def _heal_nothing(_stage: object, _record: Record) -> None:
    return None


PLANTS: Final = {
    "fence_removed": remove_fence,
    "lead_lock_removed": lock_no_leads,
    "messages_forgotten": forget_messages,
    "history_not_loaded": load_no_history,
    "contacts_not_healed": heal_no_contacts,
    "scores_not_healed": heal_no_scores,
    "correction_unsaid": say_no_corrections,
    "corrected_twice": forget_keys,
    "merge_untold_to_tables": leave_profiles_where_they_are,
    "row_lost_at_border": note_before_the_append,
    "rows_named_by_table": name_rows_by_table,
    "other_leads_released": choose_leads_anew,
    "routing_lock_removed": lock_no_routed_leads,
    "second_owner": lock_no_routed_leads,
    "clocks_lost": lose_clocks,
    "sent_again": send_again,
    "credits_doubled": double_credits,
}


def plant(name: str) -> None:
    """Plant the bug of this name; none if the name is empty."""
    if name:
        PLANTS[name]()
