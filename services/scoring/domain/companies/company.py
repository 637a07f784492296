"""One company as scoring keeps it: whose facts it holds, and what was told of its tiers.

Leads tell it their facts, a profile at a time. Each says by which move of the profile it has it, and
the latest move holds: what a lead says that has lost the profile meanwhile is passed over, and what
the lead says that has it now takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from services.scoring.domain.companies.compiler import CompanyModel
from services.scoring.domain.companies.reading import Heard, in_order_heard, read_at
from services.scoring.domain.companies.rules import CompanyLine
from services.scoring.domain.companies.standing import next_turn, reached_at, score_at
from services.scoring.domain.facts import Fact, Place
from shared.kernel.instants import Instant

COMPANY_CLOCK: Final = "company"
"""The name of a company's clock; it rings no later than time alone changes a tier."""

_MOST_REASONS: Final = 5


class CompanyHeard(msgspec.Struct, frozen=True, gc=False):
    """What a lead tells a company of one of its profiles; ``version`` is that of the profile's move."""

    lead: str
    profile: str
    version: int
    facts: tuple[Fact, ...]
    withdrawn: tuple[str, ...] = ()


class Holding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who has a profile whose facts are here, by the latest move heard of."""

    version: int
    lead: str


class ToldGrade(NamedTuple):
    """The tier last told of one model, since when it was said to be held, and by which version."""

    tier: str
    since: Instant
    version: int


class KeptCompany(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is stored of one company.

    ``through`` is the latest instant that was looked at, ``wake`` that for which its clock is set.
    ``facts`` counts the stored facts, ``digest`` is the exclusive-or of their ids, ``newest`` is the place
    of the newest fact ever heard.
    """

    holdings: dict[str, Holding] = {}
    told: dict[str, ToldGrade] = {}
    through: Instant = 0
    wake: Instant | None = None
    facts: int = 0
    digest: bytes = bytes(16)
    newest: Place | None = None


class CompanyWorking(msgspec.Struct, frozen=True, gc=False):
    """A company while a batch is handled: what is stored of it, and all its facts."""

    company: str
    kept: KeptCompany = KeptCompany()
    facts: tuple[Fact, ...] = ()


class CompanyChange(NamedTuple):
    """A change to tell: ``at`` is when the tier was reached, ``reasons`` are its heaviest lines."""

    model: str
    version: int
    direction: Literal["up", "down"]
    from_tier: str
    to_tier: str
    points: int
    at: Instant
    restated: bool
    reasons: tuple[CompanyLine, ...]


class CompanyChangeRow(msgspec.Struct, frozen=True):
    """What is appended when a change is told; ``event`` is the id of what is said."""

    company: str
    cause: str
    told_at: Instant
    change: CompanyChange
    event: str = ""


class ToldCompanyChange(NamedTuple):
    """A tier change as it was told, with the message or clock that caused it."""

    told_at: Instant
    change: CompanyChange
    cause: str
    event: str


class CompanyFactKept(NamedTuple):
    """A fact is stored under a company."""

    company: str
    fact: Fact


class CompanyFactGone(NamedTuple):
    """A fact is stored under a company no longer."""

    company: str
    id: str


class TakenIn(NamedTuple):
    """A company after it was told something, and what that changed."""

    working: CompanyWorking
    new: list[Fact]
    gone: list[Fact]
    is_restated: bool


def take_in(working: CompanyWorking, heard: CompanyHeard) -> TakenIn | None:
    """Join what was told to the facts, and take out what was withdrawn; None if it is out of date."""
    kept = working.kept
    known = kept.holdings.get(heard.profile)
    if known is not None and heard.version < known.version:
        return None
    withdrawn, here = set(heard.withdrawn), {fact.id for fact in working.facts}
    new = [fact for fact in heard.facts if fact.id not in here]
    gone = [fact for fact in working.facts if fact.id in withdrawn and fact.profile == heard.profile]
    lost = {fact.id for fact in gone}
    facts = (*(fact for fact in working.facts if fact.id not in lost), *new)
    places = [Place(fact.occurred, fact.id) for fact in new]
    newest = max([*places, *([] if kept.newest is None else [kept.newest])], default=None)
    is_late = kept.newest is not None and any(place < kept.newest for place in places)
    holdings = {**kept.holdings, heard.profile: Holding(heard.version, heard.lead)}
    after = msgspec.structs.replace(kept, holdings=holdings, newest=newest)
    return TakenIn(CompanyWorking(working.company, after, facts), new, gone, is_late or bool(gone))


def heard_of(kept: KeptCompany, facts: Iterable[Fact]) -> list[Heard]:
    """Return facts in order, each with the lead that has its profile."""
    leads = kept.holdings
    return in_order_heard(Heard(leads[fact.profile].lead, fact) for fact in facts if fact.profile in leads)


def adopt(models: Sequence[CompanyModel], working: CompanyWorking) -> KeptCompany:
    """Return what counts as told where other versions rule than it was told under: what they make of it."""
    kept = working.kept
    replaced = [
        model
        for model in models
        if working.facts and ((last := kept.told.get(model.name)) is None or last.version != model.version)
    ]
    if not replaced:
        return kept
    heard, told = heard_of(kept, working.facts), dict(kept.told)
    for model in replaced:
        score = score_at(model, read_at(working.company, heard, kept.through))
        since = reached_at(model, working.company, heard, score)
        told[model.name] = ToldGrade(score.tier_name, since, model.version)
    return msgspec.structs.replace(kept, told=told)


def changes_to_tell(
    models: Sequence[CompanyModel], working: CompanyWorking, *, now: Instant, is_restated: bool
) -> tuple[list[CompanyChange], KeptCompany]:
    """Return what is to be told now, at most one change per model, and the company after.

    ``now`` may step back, and then the latest instant looked at counts. Its clock is set for the next
    instant at which time alone may change a score.
    """
    kept, company = working.kept, working.company
    heard = heard_of(kept, working.facts)
    instant = max([now, kept.through, *([heard[-1].fact.occurred] if heard else [])])
    reading = read_at(company, heard, instant)
    changes: list[CompanyChange] = []
    told = dict(kept.told)
    for model in models:
        score = score_at(model, reading)
        last = told.get(model.name)
        before = last.tier if last is not None else model.tiers[0].name
        if score.tier_name == before:
            told[model.name] = ToldGrade(before, last.since if last else instant, model.version)
            continue
        since = reached_at(model, company, heard, score)
        ranks = [tier.name for tier in model.tiers]
        is_up = before not in ranks or score.tier > ranks.index(before)
        changes.append(
            CompanyChange(
                model=model.name,
                version=model.version,
                direction="up" if is_up else "down",
                from_tier=before,
                to_tier=score.tier_name,
                points=score.points,
                at=since,
                restated=is_restated or (last is not None and since < last.since),
                reasons=score.lines[:_MOST_REASONS],
            )
        )
        told[model.name] = ToldGrade(score.tier_name, since, model.version)
    wake = next_turn(models, heard, after=instant)
    return changes, msgspec.structs.replace(kept, told=told, through=instant, wake=wake)
