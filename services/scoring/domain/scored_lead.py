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

from services.scoring.domain.attention.wanting import AttentionState
from services.scoring.domain.checkpoints.checkpoint import EVERY, Checkpoint, Replaced, Stretch
from services.scoring.domain.checkpoints.resuming import Unsettled, resume
from services.scoring.domain.companies.hearing import COMPANY, company_in, is_for_companies
from services.scoring.domain.effects import Told
from services.scoring.domain.facts import (
    EXTERNAL_ID_PREFIX,
    Fact,
    Place,
    external_ids_in,
    in_order,
    learn_external_ids,
)
from services.scoring.domain.life.ruling import Ruling
from services.scoring.domain.running_score import ScoringState, advance, fold, is_current, is_in_order
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tiers import Held, Outlook, tier_at
from services.scoring.domain.verdicts import DISMISSED, VERDICTS, without_withdrawn
from services.scoring.domain.vocabulary import fields_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant

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
    is the rep who has the lead, as routing said last; empty is nobody. ``recounts`` is how often all was
    folded anew because something else than a fact had changed what counts; checkpoints from before are void.
    ``companies`` are those that facts which count here name; ``tells_companies`` is False while nothing is
    known that companies hear of. ``attention`` is what was done of late that may ask for it, and was told.
    ``outlooks`` are how each model was found when it was last looked at; ``wake`` is their first change.
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
    recounts: int = 0
    companies: tuple[str, ...] = ()
    tells_companies: bool = True
    attention: AttentionState = AttentionState()
    outlooks: dict[str, Outlook] = {}


class OwnedBy(msgspec.Struct, frozen=True, gc=False):
    """A rep has the lead from now on; empty is nobody. No score follows from it."""

    rep: str


class FirstContact(msgspec.Struct, frozen=True, gc=False):
    """The owner spoke to the lead for the first time under ``assignment``. No score follows from it."""

    rep: str
    assignment: str
    at: Instant


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

    ``history`` is None while every fact comes in order; then nothing needs it. It is all facts, or of a lead
    with many the stretch of them that late facts need. ``ruling`` is what it was
    loaded under; None leaves it to the handlers.
    """

    lead: str
    kept: ScoredLead
    history: tuple[Fact, ...] | Stretch | None = None
    ruling: Ruling | None = None

    @property
    def all_facts(self) -> tuple[Fact, ...]:
        """Return all facts stored under the lead, where they are at hand.

        :raises TypeError: if only a stretch of them is.
        """
        if isinstance(self.history, Stretch):
            raise TypeError("all facts of the lead are needed, and a stretch of them was loaded")
        return self.history or ()


class Taken(NamedTuple):
    """What taking facts in came to: the lead after, the facts that were new, rows for its checkpoints.

    ``is_restated`` says that history before the newest fact changed.
    """

    working: Working
    new: list[Fact]
    is_restated: bool = False
    checkpoints: tuple[Replaced, ...] = ()


def tier_found(kept: ScoredLead, model: CompiledModel) -> Held:
    """Return the tier held when a lead with a score was last looked at, and since when."""
    assert kept.score is not None
    look = kept.outlooks.get(model.name)
    if look is not None:
        return look.held
    return tier_at(model, kept.score.models[model.name], max(kept.told.through, kept.score.last_occurred))


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

    A fact newer than every stored one, also than those that do not count, is certainly new. A company
    that is named for the first time is told all that was known before.
    """
    if kept.is_judged or (kept.score is not None and not is_current(models, kept.score)):
        return True
    if names_new_company(kept, coming):
        return True
    newest = kept.newest
    for thing in coming:
        if isinstance(thing, OwnedBy | FirstContact):
            continue
        if not isinstance(thing, Fact) or thing.name in VERDICTS:
            return True
        place = Place(thing.occurred, thing.id)
        if newest is not None and place <= newest:
            return True
        newest = place
    return False


def names_new_company(kept: ScoredLead, coming: Iterable[object]) -> bool:
    """Return whether what is coming names a company that is then to be told what was known before."""
    named, tells = kept.companies, kept.tells_companies
    for thing in coming:
        if isinstance(thing, Fact) and is_for_companies(thing):
            company = company_in(thing)
            if company is not None and company not in named:
                if tells:
                    return True
                named = (*named, company)
            tells = True
    return False


def can_resume(models: ModelSet, kept: ScoredLead, coming: Sequence[object], *, every: int = EVERY) -> bool:
    """Return whether a stretch of its history is enough for a lead that needs it.

    It is if it has many facts, was scored by the models that rule, and nothing but facts is coming that say
    of no other that it does not count, and name no company for the first time.
    """
    return (
        kept.facts >= every
        and kept.score is not None
        and is_current(models, kept.score)
        and not kept.is_judged
        and not names_new_company(kept, coming)
        and all(
            isinstance(thing, OwnedBy | FirstContact)
            or (isinstance(thing, Fact) and thing.name not in VERDICTS)
            for thing in coming
        )
    )


def is_enough(models: ModelSet, lead: Working, coming: Sequence[object], *, every: int = EVERY) -> bool:
    """Return whether the stretch with which a lead was loaded is enough to take in what is coming."""
    try:
        for fact in coming:
            if isinstance(fact, Fact):
                lead = take_in(models, lead, [fact], every=every).working
    except Unsettled:
        return False
    return True


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


def take_in(models: ModelSet, working: Working, facts: Sequence[Fact], *, every: int = EVERY) -> Taken:
    """Store facts that are new and let those count that do; one checkpoint is made for ``every`` facts.

    :raises Unsettled: if a late fact reaches beyond the stretch that was loaded.
    """
    kept, history = working.kept, working.history
    if history is None:
        new = list(facts)
    elif isinstance(history, Stretch):
        new = history.unknown(in_order(facts))
    else:
        known = {fact.id for fact in history}
        new = [fact for fact in in_order(facts) if fact.id not in known]
    if not new:
        return Taken(working, new)
    counting = without_withdrawn(facts_here(working.lead, kept, new))
    score, external_ids, is_restated = kept.score, kept.external_ids, False
    has_verdicts = any(fact.name in VERDICTS for fact in new)
    is_judged = kept.is_judged or has_verdicts
    checkpoints: list[Replaced] = []
    if isinstance(history, Stretch):
        after: tuple[Fact, ...] | Stretch | None = history.with_facts(new)
    else:
        after = None if history is None else (*history, *new)
    if not is_judged and (not counting or is_in_order(score, counting[0])):
        for fact in counting:
            score = advance(models, score, fact)
            external_ids = learn_external_ids(external_ids, fact)
    elif not is_judged and (isinstance(history, Stretch) or kept.facts >= every):
        stretch = history if isinstance(history, Stretch) else Stretch(frozenset(), facts=history or ())
        here = without_withdrawn(facts_here(working.lead, kept, stretch.facts))
        resumed = resume(models, stretch, here, counting, every=every)
        if resumed.newest is not None:
            score, external_ids = resumed.newest
        if isinstance(after, Stretch):
            after = msgspec.structs.replace(after, ends=resumed.ends)
        checkpoints.append(Replaced(working.lead, kept.recounts, *resumed.replaced))
        is_restated = True
    else:
        here = list(facts_here(working.lead, kept, (*working.all_facts, *new)))
        is_restated = not is_judged or has_verdicts or not all(is_in_order(score, fact) for fact in counting)
        score, external_ids = fold(models, without_withdrawn(here)), external_ids_in(here)
    count = kept.facts + len(new)
    if count // every > kept.facts // every and counting and score is not None and not is_judged:
        newest = Checkpoint(score, external_ids)
        checkpoints.append(Replaced(working.lead, kept.recounts, newest.place, None, (newest,)))
    stored = max([Place(fact.occurred, fact.id) for fact in new])
    kept = ScoredLead(
        score,
        kept.told,
        kept.revision,
        kept.wake,
        kept.lives_at,
        kept.profile_version,
        kept.lodgers,
        external_ids,
        count,
        digest_of([fact.id for fact in new], start=kept.digest),
        stored if kept.newest is None else max(stored, kept.newest),
        kept.been_at,
        kept.erased,
        is_judged,
        kept.owner,
        kept.recounts,
        kept.companies,
        kept.tells_companies,
        kept.attention,
        kept.outlooks,
    )
    return Taken(Working(working.lead, kept, after), new, is_restated, tuple(checkpoints))


def recount(models: ModelSet, working: Working) -> Working:
    """Fold everything that counts now, after profiles have moved or models have changed."""
    here = list(facts_here(working.lead, working.kept, working.all_facts))
    after = msgspec.structs.replace(
        working.kept,
        score=fold(models, without_withdrawn(here)),
        external_ids=external_ids_in(here),
        recounts=working.kept.recounts + 1,
    )
    return Working(working.lead, after, working.history)


def forget(kept: ScoredLead, *, at: Instant) -> ScoredLead:
    """Return what stays of somebody who is to be forgotten: the score, its lines, opaque ids.

    The mark stays for good. Nothing more is learnt of them and nothing more is said.
    """
    return msgspec.structs.replace(kept, wake=None, outlooks={}, erased=at)


def scrubbed(fact: Fact) -> Fact:
    """Return a fact without free properties; what rules may speak of stays, so that the score does.

    Ids by which sources call the lead are opaque and stay, too. A fact that has none to lose is
    returned as it is.
    """
    if fact.name in VERDICTS:
        return fact
    known = {*fields_of(fact.name), DISMISSED, COMPANY}
    free = [name for name in fact.fields if name not in known and not name.startswith(EXTERNAL_ID_PREFIX)]
    if not free:
        return fact
    fields = {name: value for name, value in fact.fields.items() if name not in free}
    return Fact(fact.id, fact.profile, fact.occurred, fact.received, fact.name, fields)
