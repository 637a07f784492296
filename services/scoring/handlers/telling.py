"""What is said of a lead after something was learnt, and when its clock is to ring.

Most facts move no tier, and a clock rings for one model. Whether another one might have moved is seen
without computing when its score will fall: if no line has become worth less, now or later, a fall cannot
come earlier than was found before, so that instant stays. The clock may then ring early; it tells nothing
then, and is set to the exact instant. It never rings late, and what it tells is told for the microsecond
at which it holds. Where a line for a date may lift or lower a score by itself, all of it is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.scoring.domain.activation.told import Activation, ActivationRow
from services.scoring.domain.effects import (
    TierChange,
    Told,
    activations_to_emit,
    adopt,
    changes_to_emit,
    first_of,
    outlooks,
)
from services.scoring.domain.ledger import total
from services.scoring.domain.running_score import ScoringState, is_current
from services.scoring.domain.scored_lead import ScoredLead, Working, recount, tier_found
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tiers import ModelState, Outlook, outlook
from services.scoring.domain.told_changes import TierChangeRow
from shared.contracts.attributes import ExternalId
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.scores import ModelScore, ScoresUpdated
from shared.contracts.events.tier_changes import LeadActivated, Reason, TierChanged
from shared.contracts.topics import SCORES
from shared.kernel.changes import Changes, Emission, TimerFired
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import Instant, to_datetime

_TIER_CHANGED: Final = type_of(TierChanged)
_ACTIVATED: Final = type_of(LeadActivated)

COOLING: Final = "cooling"
"""The name of a lead's clock; it rings no later than time alone changes a tier."""


class Teller:
    """Says what is to be said under one set of models."""

    def __init__(self, models: ModelSet, *, tells_past: frozenset[str] = frozenset()) -> None:
        self._models = models
        self._tells_past = tells_past
        self._adopted: dict[tuple[str, ...], ModelSet] = {}

    def renew(self, working: Working, now: Instant) -> Working:
        """Return the lead under the models that rule now; what new versions make of it counts as told.

        Of models of which the past is told it does not, so that the next word about the lead tells it.
        """
        score = working.kept.score
        if score is None or is_current(self._models, score):
            return working
        after = recount(self._models, working)
        kept = after.kept
        replaced = [
            model
            for model in self._models.models
            if ((held := score.models.get(model.name)) is None or held.version != model.version)
            and model.name not in self._tells_past
        ]
        if kept.score is not None and replaced:
            told = adopt(self._set_of(replaced), kept.score, kept.told, now=now)
            kept = msgspec.structs.replace(kept, told=told)
        return Working(after.lead, kept, after.history)

    def _set_of(self, replaced: Sequence[CompiledModel]) -> ModelSet:
        """Return these of the models as a set; a pass asks for the same one lead after lead."""
        names = tuple(model.name for model in replaced)
        found = self._adopted.get(names)
        if found is None:
            found = self._adopted[names] = ModelSet(replaced)
        return found

    def tell(
        self,
        before: Working,
        after: Working,
        learned: Learned,
        *,
        rows: Sequence[object] = (),
        emissions: Sequence[Emission] = (),
        is_restated: bool = False,
        is_silent: bool = False,
    ) -> Changes[Working]:
        """Return what follows from having learnt something: changes, scores, rows, the clock.

        A lead whose own profile lives elsewhere says nothing of tiers and activations, and neither does
        any lead with ``is_silent``: what is so now counts as told. Only of activations nothing counts as
        told while it lives elsewhere, for such a tier can be told again, and an activation cannot.
        """
        now, kept = learned.received, after.kept
        was, state = before.kept.score, kept.score
        changes: Sequence[TierChange] = ()
        activations: Sequence[Activation] = ()
        looks: dict[str, Outlook] = {}
        if state is None:
            told = Told(max(now, kept.told.through), {}, kept.told.activations)
        elif kept.lives_at:
            told = changes_to_emit(self._models, state, kept.told, now=now)[1]
        elif is_silent:
            told = adopt(self._models, state, kept.told, now=now)
            looks = outlooks(self._models, state, told, now=now)
        else:
            instant = max(now, kept.told.through, state.last_occurred)
            looks = self._look(before.kept, state, instant, is_restated=is_restated)
            changes, told = changes_to_emit(
                self._models, state, kept.told, now=now, restated=is_restated, looks=looks
            )
            activations, told = activations_to_emit(self._models, state, told)
        wake = first_of(looks)
        says_scores = bool(changes) or (state is not was and not _have_same_lines(state, was))
        kept = ScoredLead(
            state,
            told,
            kept.revision + says_scores,
            wake,
            kept.lives_at,
            kept.profile_version,
            kept.lodgers,
            kept.external_ids,
            kept.facts,
            kept.digest,
            kept.newest,
            kept.been_at,
            kept.erased,
            kept.is_judged,
            kept.owner,
            kept.recounts,
            kept.companies,
            kept.tells_companies,
            kept.attention,
            looks,
        )
        said = list(emissions)
        for change in changes:
            event = event_id(learned.id, _TIER_CHANGED, len(said))
            said.append(_announce(after.lead, change, kept.external_ids))
            row = TierChangeRow(after.lead, learned.id, now, change, kept.external_ids, event)
            rows = (*rows, row)
        for activation in activations:
            event = event_id(learned.id, _ACTIVATED, len(said))
            said.append(_announce_activation(after.lead, activation, kept.external_ids))
            rows = (*rows, ActivationRow(after.lead, learned.id, now, activation, kept.external_ids, event))
        if says_scores:
            said.append(self.scores(after.lead, kept))
        has_rung = isinstance(learned.event, TimerFired) and learned.event.name == COOLING
        is_set = wake == (None if has_rung else before.kept.wake)
        timers = {} if is_set else {COOLING: wake}
        return Changes(Working(after.lead, kept, after.history), said, timers, rows)

    def _look(
        self, before: ScoredLead, state: ScoringState, instant: Instant, *, is_restated: bool
    ) -> dict[str, Outlook]:
        """Return each model's tier at an instant and its next change; where it stands, as found before."""
        was, found = before.score, before.outlooks
        looks: dict[str, Outlook] = {}
        for model in self._models.models:
            name = model.name
            held, look = state.models[name], found.get(name)
            if (
                look is None
                or was is None
                or is_restated
                or (look.changes is not None and look.changes <= instant)
                or not _stands(model, held, was.models.get(name), look)
            ):
                look = outlook(model, held, instant)
            looks[name] = look
        return looks

    def scores(self, lead: str, kept: ScoredLead) -> Emission:
        """Return the lead's latest scores, as of the latest instant that was looked at for it.

        Of somebody who was forgotten a tombstone is left.
        """
        if kept.erased is not None:
            return Emission(None, lead, lead, kept.erased, latest_only=True, topic=SCORES.name)
        at, state = kept.told.through, kept.score
        moment = to_datetime(at)
        scores = []
        for model in self._models.models:
            points, tier, since = 0, 0, at
            if state is not None:
                held = state.models[model.name]
                points = total(model, held.slots, at)
                tier, since = tier_found(kept, model)
            scores.append(
                ModelScore(
                    model=model.name,
                    model_version=model.version,
                    points=points,
                    tier=model.tiers[tier].name,
                    tier_since=to_datetime(since),
                    as_of=moment,
                )
            )
        event = ScoresUpdated(lead=lead, version=kept.revision, scores=scores)
        return Emission(event, lead, lead, at, latest_only=True)


def _stands(model: CompiledModel, held: ModelState, then: ModelState | None, look: Outlook) -> bool:
    """Return whether a model's tier is as it was found, and changes no earlier than was found.

    True is certain, False is not: then it has to be computed.
    """
    if held is then:
        return True
    if (look.tier, look.since) != (held.tier, held.since) or not model.steady:
        return False
    if model.dated and any(held.slots[slot].marks for slot in model.dated):
        return False
    return _is_worth_no_less(model, held, then)


def _is_worth_no_less(model: CompiledModel, held: ModelState, then: ModelState | None) -> bool:
    """Return whether the same tier is held and no line will ever be worth less than it was going to be.

    A line is worth the less the older it is, and sums under caps follow their lines; so it is enough
    that of each rule that gives points there are as many marks, the newest no older than the newest
    was, the next no older than the next was, and so on. (A rule without points is a source's audience.)
    """
    if then is None or (held.version, held.tier, held.since) != (then.version, then.tier, then.since):
        return False
    if held.slots is then.slots:
        return True
    for rule, slot, old in zip(model.rules, held.slots, then.slots, strict=True):
        if slot is old or slot.marks is old.marks:
            continue
        marks, count = slot.marks, len(old.marks)
        if rule.points <= 0 or len(marks) < count:
            return False
        if count and any(
            mark.granted < other.granted for mark, other in zip(marks[-count:], old.marks, strict=True)
        ):
            return False
    return True


def _have_same_lines(state: ScoringState | None, was: ScoringState | None) -> bool:
    """Return whether two states hold the same lines and tiers in every model; gates are no lines."""
    if state is None or was is None:
        return state is was
    if state.models is was.models:
        return True
    if state.models.keys() != was.models.keys():
        return False
    for name, held in state.models.items():
        then = was.models[name]
        if held is not then and not _says_same(held, then):
            return False
    return True


def _says_same(held: ModelState, then: ModelState) -> bool:
    if (held.version, held.tier, held.since) != (then.version, then.tier, then.since):
        return False
    return held.slots is then.slots or held.slots == then.slots


def _announce(lead: str, change: TierChange, external_ids: dict[str, str]) -> Emission:
    event = TierChanged(
        lead=lead,
        model=change.model,
        model_version=change.version,
        direction=change.direction,
        from_tier=change.from_tier,
        to_tier=change.to_tier,
        points=change.points,
        at=to_datetime(change.at),
        restated=change.restated,
        reasons=[Reason(rule=line.rule, points=line.points, event=line.event) for line in change.reasons],
        external_ids=_named(external_ids),
    )
    return Emission(event, lead, lead, change.at)


def _announce_activation(lead: str, activation: Activation, external_ids: dict[str, str]) -> Emission:
    event = LeadActivated(
        lead=lead,
        model=activation.model,
        model_version=activation.version,
        points=activation.points,
        at=to_datetime(activation.at),
        cycle=activation.cycle,
        acts=list(activation.acts),
        external_ids=_named(external_ids),
    )
    return Emission(event, lead, lead, activation.at)


def _named(external_ids: dict[str, str]) -> list[ExternalId]:
    return [ExternalId(source=source, id=identity) for source, identity in sorted(external_ids.items())]
