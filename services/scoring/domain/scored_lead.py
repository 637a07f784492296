"""One lead as scoring keeps it: the running score, what was told, and which profiles live here.

A profile's home partition never changes. While the profile is a lead of its own its facts count at
home; after a merge the home sends them to the lead where the profile lives now, and keeps a copy, so
that an un-merge finds them again. Moves carry a version per profile and the highest wins, whatever
the order of arrival; facts are joined by set union over their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from services.scoring.domain.effects import Told
from services.scoring.domain.facts import ATTRIBUTES, Fact, Place, in_order
from services.scoring.domain.life.ruling import Ruling
from services.scoring.domain.running_score import ScoringState, advance, fold, is_current, is_in_order
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.verdicts import DISMISSED, VERDICTS, without_withdrawn
from services.scoring.domain.vocabulary import fields_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant

EXTERNAL_ID_PREFIX: Final = "external_id/"
"""A field of an attributes fact that names the lead as a source does: ``external_id/<source>``."""

_ID_DIGITS: Final = 32


class Lodging(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Whether a profile from elsewhere lives at this lead, by the highest version heard of."""

    version: int
    is_here: bool


class ScoredLead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is stored of one lead, under the id of its own profile.

    ``lives_at`` names the lead where this profile's facts count after a merge; empty is here.
    ``facts`` counts the stored facts, ``digest`` is the exclusive-or of their ids, so that one that
    goes missing can be named, and ``newest`` is the place of the newest, whether it counts or not.
    ``wake`` is the instant for which the cooling timer is set. ``been_at`` are the leads to which this
    profile's facts were ever sent, ``erased`` is when its person was forgotten (see :func:`forget`).
    ``is_judged`` says that some fact is a verdict; then the score is folded anew at each new one. ``owner``
    is the rep who has the lead, as routing said last; empty is nobody.
    """

    score: ScoringState | None = None
    told: Told = Told()
    revision: int = 0
    wake: Instant | None = None
    lives_at: str = ""
    profile_version: int = 0
    lodgers: dict[str, Lodging] = {}
    external_ids: dict[str, str] = {}
    facts: int = 0
    digest: bytes = bytes(16)
    newest: Place | None = None
    been_at: tuple[str, ...] = ()
    erased: Instant | None = None
    is_judged: bool = False
    owner: str = ""


class OwnedBy(msgspec.Struct, frozen=True, gc=False):
    """A rep has the lead from now on; empty is nobody. No score follows from it."""

    rep: str


class KeptFact(NamedTuple):
    """A fact as it lies in the table: under which lead, and the fact."""

    lead: str
    fact: Fact


class Scrub(NamedTuple):
    """Asks the store to take free properties out of the facts stored under a lead.

    ``profile`` names whose facts; empty is everybody's.
    """

    lead: str
    profile: str = ""


class Working(msgspec.Struct, frozen=True, gc=False):
    """A lead while a batch is handled: what is stored, and its facts where they are needed.

    ``history`` is None while every fact comes in order; then nothing needs it. ``ruling`` is what it was
    loaded under; None leaves it to the handlers.
    """

    lead: str
    kept: ScoredLead
    history: tuple[Fact, ...] | None = None
    ruling: Ruling | None = None


def counts_here(lead: str, kept: ScoredLead, profile: str) -> bool:
    """Return whether the facts of ``profile`` count for this lead now."""
    if profile == lead:
        return not kept.lives_at
    lodging = kept.lodgers.get(profile)
    return lodging is not None and lodging.is_here


def facts_here(lead: str, kept: ScoredLead, facts: Iterable[Fact]) -> Iterator[Fact]:
    """Return those facts stored under a lead whose profiles live there now."""
    return (fact for fact in facts if counts_here(lead, kept, fact.profile))


def counted_facts(lead: str, kept: ScoredLead, facts: Iterable[Fact]) -> list[Fact]:
    """Return those facts stored under a lead that count for it now; ``facts`` are all of them."""
    return without_withdrawn(facts_here(lead, kept, facts))


def needs_history(models: ModelSet, kept: ScoredLead, coming: Sequence[object]) -> bool:
    """Return whether the stored facts must be at hand to learn what is coming, in this order.

    A fact newer than every stored one, also than those that do not count, is certainly new.
    """
    if kept.is_judged or (kept.score is not None and not is_current(models, kept.score)):
        return True
    newest = kept.newest
    for thing in coming:
        if isinstance(thing, OwnedBy):
            continue
        if not isinstance(thing, Fact) or thing.name in VERDICTS:
            return True
        place = Place(thing.occurred, thing.id)
        if newest is not None and place <= newest:
            return True
        newest = place
    return False


def digest_of(ids: Iterable[str], *, start: bytes = bytes(16)) -> bytes:
    """Return the exclusive-or of fact ids (32 hexadecimal digits each), on top of ``start``."""
    total = int.from_bytes(start)
    for identity in ids:
        try:
            raw = bytes.fromhex(identity)
        except ValueError:
            raw = b""
        if len(identity) != _ID_DIGITS or len(raw) != _ID_DIGITS // 2:
            raw = bytes.fromhex(deterministic_id(identity))
        total ^= int.from_bytes(raw)
    return total.to_bytes(16)


def take_in(models: ModelSet, working: Working, facts: Sequence[Fact]) -> tuple[Working, list[Fact], bool]:
    """Store facts that are new and let those count that do.

    Returns the lead after, the facts that were new, and whether history before the newest changed.
    """
    kept, history = working.kept, working.history
    if history is None:
        new = list(facts)
    else:
        known = {fact.id for fact in history}
        new = [fact for fact in in_order(facts) if fact.id not in known]
        history = (*history, *new)
    if not new:
        return working, new, False
    counting = without_withdrawn(facts_here(working.lead, kept, new))
    score, external_ids, restated = kept.score, kept.external_ids, False
    has_verdicts = any(fact.name in VERDICTS for fact in new)
    is_judged = kept.is_judged or has_verdicts
    if is_judged:
        here = list(facts_here(working.lead, kept, history or ()))
        score, external_ids = fold(models, without_withdrawn(here)), external_ids_in(here)
        restated = has_verdicts or not all(is_in_order(kept.score, fact) for fact in counting)
    elif not counting or is_in_order(score, counting[0]):
        for fact in counting:
            score = advance(models, score, fact)
            external_ids = _learn_external_ids(external_ids, fact)
    else:
        here = list(facts_here(working.lead, kept, history or ()))
        score, external_ids, restated = fold(models, without_withdrawn(here)), external_ids_in(here), True
    newest = max([Place(fact.occurred, fact.id) for fact in new])
    after = ScoredLead(
        score,
        kept.told,
        kept.revision,
        kept.wake,
        kept.lives_at,
        kept.profile_version,
        kept.lodgers,
        external_ids,
        kept.facts + len(new),
        digest_of([fact.id for fact in new], start=kept.digest),
        newest if kept.newest is None else max(newest, kept.newest),
        kept.been_at,
        kept.erased,
        is_judged,
        kept.owner,
    )
    return Working(working.lead, after, history), new, restated


def recount(models: ModelSet, working: Working) -> Working:
    """Fold everything that counts now, after profiles have moved or models have changed."""
    here = list(facts_here(working.lead, working.kept, working.history or ()))
    after = msgspec.structs.replace(
        working.kept, score=fold(models, without_withdrawn(here)), external_ids=external_ids_in(here)
    )
    return Working(working.lead, after, working.history)


def forget(kept: ScoredLead, *, at: Instant) -> ScoredLead:
    """Return what stays of somebody who is to be forgotten: the score, its lines, opaque ids.

    The mark stays for good. Nothing more is learnt of them and nothing more is said.
    """
    return msgspec.structs.replace(kept, wake=None, erased=at)


def scrubbed(fact: Fact) -> Fact:
    """Return a fact without free properties; what rules may speak of stays, so that the score does.

    Ids by which sources call the lead are opaque and stay, too. A fact that has none to lose is
    returned as it is.
    """
    if fact.name in VERDICTS:
        return fact
    known = {*fields_of(fact.name), DISMISSED}
    free = [name for name in fact.fields if name not in known and not name.startswith(EXTERNAL_ID_PREFIX)]
    if not free:
        return fact
    fields = {name: value for name, value in fact.fields.items() if name not in free}
    return Fact(fact.id, fact.profile, fact.occurred, fact.received, fact.name, fields)


def external_ids_in(facts: Iterable[Fact]) -> dict[str, str]:
    """Return how sources name the lead; of two names by one source the newest fact's holds."""
    found: dict[str, str] = {}
    for fact in in_order(facts):
        found = _learn_external_ids(found, fact)
    return found


def _learn_external_ids(known: dict[str, str], fact: Fact) -> dict[str, str]:
    if fact.name != ATTRIBUTES:
        return known
    named = {
        name.removeprefix(EXTERNAL_ID_PREFIX): value
        for name, value in fact.fields.items()
        if name.startswith(EXTERNAL_ID_PREFIX) and isinstance(value, str)
    }
    return {**known, **named} if named else known
