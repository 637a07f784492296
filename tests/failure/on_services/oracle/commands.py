"""What people ask of ingest, folded: merges taken back, people forgotten, leads put right by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from services.ingest.bootstrap.desk import build_correction_reader
from services.ingest.domain.desk.corrections import VALIDITY, CorrectLead
from services.ingest.domain.erasure import ErasePerson
from services.ingest.domain.identifiers import Identifier, IdentifierKind, identifier_hasher
from services.ingest.domain.identity.merging import UnmergeLead, find_homecomers
from services.ingest.handlers.erasing import on_erasure
from services.ingest.handlers.judging import Judging
from services.ingest.handlers.tags.tagging import Tagging
from services.ingest.store.documents import read_rulebook
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.erasures import PersonalDataRemoved
from shared.contracts.topics import ERASURES
from shared.kernel.changes import Emission, Fact
from shared.kernel.errors import Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.on_services.surroundings.wishes import Wish
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY
from tests.failure.oracle.answers import compare_answers
from tests.failure.oracle.comparison import Differences
from tests.failure.surroundings.callers import Asked

if TYPE_CHECKING:
    from tests.failure.on_services.oracle.ingest import IngestExpected

Removed = Mapping[tuple[str | None, str], Mapping[str, int]]


class Correction(NamedTuple):
    """What a person asked for, and when: a merge taken back, somebody forgotten, a lead put right."""

    at: Instant
    command: UnmergeLead | ErasePerson | CorrectLead


class CommandFold:
    """Carries commands out on what is expected, as the service does on its tables."""

    def __init__(
        self,
        expected: IngestExpected,
        commands: Mapping[str, Correction],
        *,
        tagging: Tagging,
        judging: Judging,
        removed: Removed,
    ) -> None:
        self._expected = expected
        self._commands = commands
        self._tagging = tagging
        self._judging = judging
        self._removed = removed

    def carry_out(self, name: str, saying: Saying) -> None:
        """Carry one command out."""
        at, command = self._commands[name]
        match command:
            case ErasePerson(identifier):
                self._forget(name, identifier, at, saying)
            case UnmergeLead():
                self._take_back(name, command, at, saying)
            case CorrectLead():
                self._put_right(name, command, at, saying)

    def _forget(self, name: str, identifier: Identifier, at: Instant, saying: Saying) -> None:
        expected, directory = self._expected, self._expected.directory
        home = directory.lead_of(identifier)
        if home is None:
            home = directory.open_lead(identifier, created=at)
        if home.erased is not None:
            expected.replies[name] = {"lead": home.id, "profiles": 0}
            return
        fact = Fact(correction_id(name), "erasure", at, ErasePerson(identifier))
        erased, emissions, story = on_erasure(directory, home.id, at=at, cause=fact.id)
        profiles = {profile.id for profile in erased.profiles}
        for profile in profiles:
            directory.book.trails.pop(profile, None)
        for lead in erased.gone:
            directory.book.cards.pop(lead.id, None)
        keys = {
            hash_.encode()
            for hash_, profile in directory.profiles_of_identifiers.items()
            if profile in profiles
        }
        for record_id, message in list(expected.quarantine.items()):
            if message.key in keys:
                del expected.quarantine[record_id]
        expected.story = Counter(
            {row: count for row, count in expected.story.items() if row.profile not in profiles}
        )
        expected.story.update(story)
        expected.notes = [note for note in expected.notes if note.profile not in profiles]
        directory.consents[:] = [word for word in directory.consents if word.profile not in profiles]
        expected.doubts = {
            name: (cause, doubt)
            for name, (cause, doubt) in expected.doubts.items()
            if profiles.isdisjoint((doubt.profile, doubt.other))
        }
        expected.likenesses = {
            key: profile for key, profile in expected.likenesses.items() if profile not in profiles
        }
        removed = [
            Emission(
                PersonalDataRemoved(
                    lead=home.id,
                    profile=profile.id,
                    service="ingest",
                    removed=dict(self._removed.get((fact.id, profile.id), {})),
                ),
                *(profile.id, home.id, at),
            )
            for profile in erased.profiles
        ]
        saying.add([*emissions, *removed], fact)
        expected.replies[name] = {"lead": home.id, "profiles": len(profiles)}

    def _take_back(self, name: str, command: UnmergeLead, at: Instant, saying: Saying) -> None:
        expected, directory, lead = self._expected, self._expected.directory, command.lead
        home = directory.profiles[lead].lead
        profiles = [profile.id for profile in find_homecomers(directory, lead)]
        identifiers = {
            hash_: IdentifierKind(expected.kinds[hash_])
            for hash_, profile in directory.profiles_of_identifiers.items()
            if profile in profiles
        }
        fact = Fact(correction_id(name), lead, at, command)
        try:
            emissions, story = self._tagging.on_unmerge(directory, command, identifiers, at=at, cause=fact.id)
        except Rejected as refused:
            expected.faults.append(f"command: {name} took effect, should be refused: {refused}")
            return
        verdicts, lines = self._judging.rejudge(
            directory, [home, lead], at=at, cause=fact.id, first=len(emissions)
        )
        expected.story.update([*story, *lines])
        saying.add([*emissions, *verdicts], fact)
        expected.replies[name] = {"lead": lead, "from_lead": home, "profiles": profiles}

    def _put_right(self, name: str, command: CorrectLead, at: Instant, saying: Saying) -> None:
        expected, directory = self._expected, self._expected.directory
        fact = Fact(correction_id(name), command.lead, at, command)
        lead = directory.lead_of(Identifier(IdentifierKind.LEAD, command.lead))
        owner = None if lead is None else expected.owners.get(lead.id)
        try:
            done = self._tagging.on_correction(directory, command, owner=owner, at=at, cause=fact.id)
        except Rejected as refused:
            directory.undo_fact()
            expected.faults.append(f"command: {name} took effect, should be refused: {refused}")
            return
        verdicts, lines = self._judging.rejudge(
            directory, [done.lead.id], at=at, cause=fact.id, first=len(done.emissions), word=done.word
        )
        corrected = [*done.corrected, VALIDITY] if verdicts and done.word else done.corrected
        after = directory.leads[done.lead.id]
        for identifier in command.identifiers:
            expected.kinds.setdefault(identifier.hash, identifier.kind.value)
        if done.note is not None:
            expected.notes.append(done.note)
        expected.story.update([*done.story, *lines])
        saying.add([*done.emissions, *verdicts], fact)
        expected.replies[name] = {
            "lead": after.id,
            "version": after.version,
            "corrected": sorted(corrected),
        }


def correction_id(name: str) -> str:
    """Return the id of the fact that a command is."""
    return deterministic_id("command", "ingest", name)


def removed_in(
    log: Mapping[TopicPartition, Sequence[Record]],
) -> dict[tuple[str | None, str], dict[str, int]]:
    """Return how many rows ingest said that it scrubbed, by cause and profile; only tables know that."""
    found: dict[tuple[str | None, str], dict[str, int]] = {}
    for tp, records in log.items():
        for record in records if tp.topic == ERASURES.name else ():
            envelope = decode_envelope(record.value or b"")
            event = decode_event(envelope)
            assert isinstance(event, PersonalDataRemoved)
            if event.service == "ingest":
                found[envelope.causationid, event.profile] = event.removed
    return found


async def load_corrections(database: Database, asked: Sequence[Asked]) -> dict[str, Correction]:
    """Return the commands that took effect, by idempotency key.

    The key names the lead and what was asked; how a lead is to be put right stands in what was ``asked``.
    A row of many has the key of all, and its place.
    """
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT idempotency_key, received FROM command")
    meant = {one.name: one.meaning for one in asked}
    rulebook = read_rulebook(CONFIG / "ingest", default_region="CN")
    reader = build_correction_reader(rulebook, hash_identifier=identifier_hasher(IDENTITY_KEY))
    found = {}
    for row in rows:
        name, (whole, _, place) = row["idempotency_key"], row["idempotency_key"].partition("/")
        wishes = meant.get(whole)
        if isinstance(wishes, list):
            wish = wishes[int(place or 0)]
            assert isinstance(wish, Wish)
            found[name] = Correction(row["received"], reader.read(**wish._asdict()))
        elif ":" in name:
            found[name] = Correction(row["received"], _asked(name.split(":")[1], name))
    return found


def _asked(lead: str, name: str) -> UnmergeLead | ErasePerson:
    if name.endswith(":forget"):
        return ErasePerson(Identifier(IdentifierKind.LEAD, lead))
    return UnmergeLead(lead, "two", by="somebody")


def compare_commands(replies: Mapping[str, object], asked: Sequence[Asked], differences: Differences) -> None:
    """Compare every answer with the reply of the replay; of many leads at once row by row."""
    many = [one for one in asked if any(isinstance(reply, dict) and "rows" in reply for reply in one.replies)]
    names = {one.name for one in many}
    ones = [one for one in asked if one.name not in names]
    compare_answers(
        {name: reply for name, reply in replies.items() if name.partition("/")[0] not in names},
        ones,
        differences,
    )
    left = {name for name in replies if name.partition("/")[0] in names}
    for one in many:
        assert isinstance(one.meaning, list)
        for place in range(len(one.meaning)):
            name = f"{one.name}/{place}"
            left.discard(name)
            answers: list[dict[str, Any]] = [reply["rows"][place] for reply in one.replies]  # type: ignore[index]
            _compare_row(name, answers, replies.get(name), differences)
    for name in sorted(left):
        differences.add("unexplained", f"command {name} was carried out, and nobody asked for it")


def _compare_row(
    name: str, answers: Sequence[Mapping[str, Any]], reply: object, differences: Differences
) -> None:
    """A row that took effect is answered so ever after; one that was refused may take effect later."""
    told = [
        None if one["verdict"] == "refused" else {key: one[key] for key in ("lead", "corrected")}
        for one in answers
    ]
    wanted = None
    if isinstance(reply, dict):
        wanted = {key: reply[key] for key in ("lead", "corrected")}
    if any(one is not None and one != wanted for one in told):
        kind = "lost" if wanted is None else "command"
        differences.add(kind, f"{name} was answered {told}, should be {wanted}")
    elif told[0] is not None and None in told:
        differences.add("command", f"{name} took effect and was refused afterwards: {list(answers)}")
