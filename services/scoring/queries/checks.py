"""Scoring's answers to the audit: facts, states, lines and clocks agree, and every breach has an id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.scoring.domain.activation.told import SaidActivation, ToldActivation, is_untold
from services.scoring.domain.effects import outlooks
from services.scoring.domain.facts import Fact, external_ids_in
from services.scoring.domain.ledger import lines_at, total
from services.scoring.domain.running_score import ScoringState, fold, is_current
from services.scoring.domain.scored_lead import ScoredLead, digest_of, facts_here
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tier_lists.place import Place, places_of
from services.scoring.domain.tiers import Outlook
from services.scoring.domain.verdicts import without_withdrawn
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.telling import COOLING
from services.scoring.store.activations import load_activations_of
from services.scoring.store.facts import find_absent, find_orphans, load_facts
from services.scoring.store.leads import find_forgotten, load_leads_page
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.tier_lists.table import load_settled_places
from shared.contracts.envelope import decode_envelope
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, format_instant
from shared.log.port import Record
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot
from shared.processor.checks import Finding, find_buried
from shared.processor.tables.timers import load_timers

_LEADS_PER_READ = 500
_SAMPLE_PAGES = 4
_MOST_ORPHANS = 100
_ID_DIGITS = 32


@dataclass(slots=True)
class _Tally:
    leads: int = 0
    facts: int = 0
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)
    activations: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)


class ScoringChecks:
    """Compares stored leads with what their facts say."""

    def __init__(self, database: Database, rulings: Rulings) -> None:
        self._database = database
        self._rulings = rulings

    async def check(self, *, full: bool) -> Sequence[Finding]:
        """Check a sample of 2,000 leads, or with ``full`` all of them."""
        tally = _Tally()
        after, pages = "", 0
        while full or pages < _SAMPLE_PAGES:
            async with snapshot(self._database) as transaction:
                ruling = await self._rulings.current(transaction)
                page = await load_leads_page(transaction, after=after, limit=_LEADS_PER_READ)
                facts = await load_facts(transaction, [lead for lead, _ in page])
                timers = await load_timers(transaction, keys=[lead for lead, _ in page])
                activations = await load_activations_of(transaction, [lead for lead, _ in page])
                settled = await load_settled_places(transaction, [lead for lead, _ in page])
            for lead, kept in page:
                tally.leads += 1
                if kept is None:
                    tally.differing.append(f"lead {lead}: what is stored of it cannot be read")
                else:
                    checks = _LeadChecks(ruling.ruled(lead).models)
                    checks.check(tally, lead, kept, facts[lead], timers.get(lead, {}))
                    tally.activations += checks.compare_activations(lead, kept, activations[lead])
                    tally.lists += checks.compare_places(lead, kept, settled.get(lead))
            if len(page) < _LEADS_PER_READ:
                break
            after, pages = page[-1][0], pages + 1
        if full:
            async with snapshot(self._database) as transaction:
                orphans = await find_orphans(transaction, limit=_MOST_ORPHANS)
            tally.differing += [f"lead {lead}: has facts, and nothing is stored of it" for lead in orphans]
        return [
            Finding(check="scoring: every fact is there", looked_at=tally.facts, breaches=tally.missing),
            Finding(
                check="scoring: states refold from the facts", looked_at=tally.leads, breaches=tally.differing
            ),
            Finding(check="scoring: Σ lines = score", looked_at=tally.leads, breaches=tally.sums),
            Finding(check="scoring: clocks are set", looked_at=tally.leads, breaches=tally.clocks),
            Finding(
                check="scoring: activations are told once", looked_at=tally.leads, breaches=tally.activations
            ),
            Finding(
                check="scoring: lists by tier are up to date", looked_at=tally.leads, breaches=tally.lists
            ),
        ]

    async def find_missing(self, records: Sequence[Record]) -> Sequence[str]:
        """Name the events in these records that should be facts and are not.

        Dead letters are not missed, nor is what was said of somebody after they were forgotten.
        """
        wanted: dict[tuple[str, str], Record] = {}
        for record in records:
            try:
                learned = interpret(decode_envelope(record.value or b""))
            except Rejected:
                continue  # it could not be read then either, and lies with the dead letters
            if learned is not None and isinstance(learned.event, Fact):
                wanted[learned.key, learned.event.id] = record
        async with self._database.connection() as connection:
            absent = await find_absent(connection, list(wanted))
            forgotten = await find_forgotten(connection, {lead for lead, _ in absent}) if absent else set()
            places = {
                (wanted[key].topic, wanted[key].partition, wanted[key].offset): key
                for key in absent
                if key[0] not in forgotten
            }
            buried = await find_buried(connection, list(places))
        return [
            f"lead {lead}: event {fact_id} of {topic}/{partition} offset {offset} is no fact"
            for (topic, partition, offset), (lead, fact_id) in sorted(places.items())
            if (topic, partition, offset) not in buried
        ]


class _LeadChecks:
    """Compares one lead with what its facts say under the models that rule it."""

    def __init__(self, models: ModelSet) -> None:
        self._models = models

    def check(
        self,
        tally: _Tally,
        lead: str,
        kept: ScoredLead,
        facts: Sequence[Fact],
        timers: Mapping[str, Instant],
    ) -> None:
        tally.facts += kept.facts
        missing = list(_find_missing(lead, kept, facts))
        tally.missing += missing
        state = kept.score
        if state is not None and not is_current(self._models, state):
            return  # made with other models: the next fact folds it anew
        if not missing:  # otherwise the state differs for that reason
            tally.differing += self._compare_states(lead, kept, list(facts_here(lead, kept, facts)))
        if state is not None:
            tally.sums += self._compare_sums(lead, state)
        tally.clocks += self._compare_clocks(lead, kept, timers)

    def _compare_states(self, lead: str, kept: ScoredLead, here: Sequence[Fact]) -> Iterator[str]:
        """Name the models, the rules within and the events whose stored lines are not what the facts say."""
        stored, folded = kept.score, fold(self._models, without_withdrawn(here))
        if stored is None or folded is None:
            if stored is not folded:
                yield f"lead {lead}: score and facts disagree about whether there is one"
            return
        for model in self._models.models:
            ours, theirs = stored.models[model.name], folded.models[model.name]
            for rule, one, other in zip(model.rules, ours.slots, theirs.slots, strict=True):
                if one != other:
                    marks = {*one.marks, *one.recent} ^ {*other.marks, *other.recent}
                    events = ", ".join(sorted({mark.event for mark in marks}))
                    yield (
                        f"lead {lead}: the line of {rule.name} in {model.name} (event {events})"
                        " is not what its facts say"
                    )
            if ours.gate != theirs.gate:
                yield f"lead {lead}: what the gate of {model.name} remembers is not what its facts say"
            if (ours.tier, ours.since) != (theirs.tier, theirs.since):
                yield f"lead {lead}: the tier in {model.name} is not what its facts say"
        remembered = (stored.last_occurred, stored.last_fact, stored.attributes, kept.external_ids)
        if remembered != (
            folded.last_occurred,
            folded.last_fact,
            folded.attributes,
            external_ids_in(here),
        ):
            yield f"lead {lead}: its newest fact, attributes or external ids are not what its facts say"

    def _compare_sums(self, lead: str, state: ScoringState) -> Iterator[str]:
        for model in self._models.models:
            slots = state.models[model.name].slots
            lines = lines_at(model, slots, state.last_occurred)
            if sum(line.points for line in lines) != total(model, slots, state.last_occurred):
                yield f"lead {lead}: the lines of {model.name} do not sum to the score"

    def _compare_clocks(self, lead: str, kept: ScoredLead, timers: Mapping[str, Instant]) -> Iterator[str]:
        """Name leads whose clock is not set as they say, rings too late, or whose tier was told wrongly."""
        wake, state, told = kept.wake, kept.score, kept.told
        if timers.get(COOLING) != wake:
            yield f"lead {lead}: its clock is not set for {_text(wake)} but for {_text(timers.get(COOLING))}"
        if state is None or kept.lives_at or kept.erased is not None:
            return
        looks = outlooks(self._models, state, told, now=told.through)
        for model in self._models.models:
            look, found, last = looks[model.name], kept.outlooks.get(model.name), told.tiers.get(model.name)
            tier, due = model.tiers[look.tier].name, look.changes
            said = last.tier if last is not None else model.tiers[0].name
            if due is not None and (wake is None or wake > due):
                yield f"lead {lead}: its tier changes at {_text(due)} and its clock rings at {_text(wake)}"
            if said != tier:
                yield f"lead {lead}: {model.name} was told to be {said} and is {tier}"
            elif found is not None and not found.is_no_later_than(look):
                kept_as, is_so = _held(model, found), _held(model, look)
                yield f"lead {lead}: {model.name} is kept as {kept_as} and is {is_so}"

    def compare_activations(
        self, lead: str, kept: ScoredLead, rows: Sequence[SaidActivation]
    ) -> Iterator[str]:
        """Name activations that were not told, or were told and nobody knows of it."""
        last: dict[str, SaidActivation] = {row.activation.model: row for row in rows}
        for model, told in kept.told.activations.items():
            if told.is_said and not _are_same(told, last.get(model)):
                yield f"lead {lead}: its activation in {model}, cycle {told.cycle}, was told and is not there"
        for row in rows:
            model, cycle = row.activation.model, row.activation.cycle
            known = kept.told.activations.get(model)
            if known is None or cycle > known.cycle:
                yield f"lead {lead}: its activation in {model}, cycle {cycle}, is there and was never told"
        state = kept.score
        if state is None or kept.lives_at or kept.erased is not None or not is_current(self._models, state):
            return
        for name, held in state.models.items():
            if is_untold(held.gate, kept.told.activations.get(name)):
                yield f"lead {lead}: was activated in {name}, and it was not told"

    def compare_places(self, lead: str, kept: ScoredLead, listed: Sequence[Place] | None) -> Iterator[str]:
        """Name lists in which a lead stands wrongly or is missing; None is one that is looked at soon."""
        wanted = places_of(self._models, lead, kept) if listed is not None else None
        if listed is None or wanted is None:
            return
        there, due = _in_short(listed), _in_short(wanted)
        for place in sorted(due - there):
            yield f"lead {lead}: is not listed in {place}"
        for place in sorted(there - due):
            yield f"lead {lead}: is listed in {place}, and is not there"


def _in_short(places: Sequence[Place]) -> set[str]:
    return {f"{one.tier} of {one.model} {one.version} at {one.points} since {one.since}" for one in places}


def _are_same(told: ToldActivation, row: SaidActivation | None) -> bool:
    return row is not None and (row.activation.cycle, row.activation.at) == (told.cycle, told.place.occurred)


def _find_missing(lead: str, kept: ScoredLead, facts: Sequence[Fact]) -> Iterator[str]:
    """Name facts that are missing: one by what the digest lacks, several by the lines they carry."""
    digest = digest_of(fact.id for fact in facts)
    if kept.facts == len(facts) and kept.digest == digest:
        return
    odd = f"{int.from_bytes(kept.digest) ^ int.from_bytes(digest):0{_ID_DIGITS}x}"
    if kept.facts == len(facts) + 1:
        yield f"lead {lead}: fact {odd} is missing"
        return
    if kept.facts == len(facts) - 1:
        yield f"lead {lead}: fact {odd} is there and was never learnt"
        return
    gone = sorted(_facts_named(kept) - {fact.id for fact in facts})
    yield from (f"lead {lead}: fact {identity} is missing" for identity in gone)
    yield f"lead {lead}: {kept.facts} facts were learnt and {len(facts)} are there"


def _facts_named(kept: ScoredLead) -> set[str]:
    """Return the ids of facts that a lead's own state speaks of."""
    named = {kept.newest.id} if kept.newest is not None else set()
    if kept.score is not None:
        named.add(kept.score.last_fact)
        for held in kept.score.models.values():
            named |= {mark.event for slot in held.slots for mark in (*slot.marks, *slot.recent)}
    return named


def _held(model: CompiledModel, look: Outlook) -> str:
    return f"{model.tiers[look.tier].name} since {_text(look.since)}, next change: {_text(look.changes)}"


def _text(instant: Instant | None) -> str:
    return "no instant" if instant is None else format_instant(instant)
