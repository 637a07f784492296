"""The handlers: a fact, a move, an arrival, a departure, a timer; each answers with changes.

Only a lead's own partition changes its score. Facts of a profile that lives elsewhere are stored at
home and sent on; moving tells nothing for the lead that loses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.scoring.domain.effects import TierChange, Told, adopt, changes_to_emit, next_wake
from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import explain_state
from services.scoring.domain.running_score import ScoringState
from services.scoring.domain.scored_lead import KeptFact, Lodging, ScoredLead, Working, recount, take_in
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.told_changes import TierChangeRow
from services.scoring.handlers.interpreting import FactsArrived, ProfileDeparted, ProfileMoved
from shared.contracts.attributes import ExternalId
from shared.contracts.events.internal_scoring import FactsMoved, MovedFact, ProfileLeft
from shared.contracts.events.scores import ModelScore, ScoresUpdated
from shared.contracts.events.tier_changes import Reason, TierChanged
from shared.kernel.changes import Changes, Emission, TimerFired
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import Instant, to_datetime

COOLING: Final = "cooling"
"""The name of the one timer a lead has: the next instant at which time alone changes a tier."""

_FACTS_PER_PART: Final = 200


class SayAgain(msgspec.Struct, frozen=True):
    """A stopped worker has published an old score late; the latest is to be said again."""


class ScoringHandlers:
    """Handles what is learnt under one set of models."""

    def __init__(self, models: ModelSet) -> None:
        self.models = models

    def begin(self, key: str) -> Working:
        """Return a lead of which nothing is known."""
        return Working(key, ScoredLead(), ())

    def handle(self, working: Working, learned: Learned) -> Changes[Working]:
        """Answer one thing learnt."""
        match learned.event:
            case Fact() as fact:
                return self.on_fact(working, learned, fact)
            case TimerFired():
                return self.on_cooling(working, learned)
            case ProfileMoved() as moved:
                return self.on_profile_moved(working, learned, moved)
            case FactsArrived() as arrived:
                return self.on_facts_arrived(working, learned, arrived)
            case ProfileDeparted() as departed:
                return self.on_profile_departed(working, learned, departed)
            case SayAgain():
                return Changes(emissions=self._scores(working, learned.received))
            case other:
                raise TypeError(f"scoring does not know {type(other).__name__}")

    def on_fact(self, working: Working, learned: Learned, fact: Fact) -> Changes[Working]:
        """A fact of this lead's own profile: it counts here, or is sent to where the profile lives."""
        after, new, restated = take_in(self.models, working, [fact])
        if not new:
            return Changes()
        rows: list[object] = [KeptFact(working.lead, fact)]
        if working.kept.lives_at:
            return Changes(after, [self._send(working, [fact], learned.received)], rows=rows)
        return self._tell(working, after, learned, rows=rows, restated=restated)

    def on_cooling(self, working: Working, learned: Learned) -> Changes[Working]:
        """Time alone has changed a tier."""
        rung = Working(working.lead, msgspec.structs.replace(working.kept, wake=None), working.history)
        return self._tell(working, rung, learned)

    def on_profile_moved(self, working: Working, learned: Learned, moved: ProfileMoved) -> Changes[Working]:
        """This profile has moved: take its facts out of where they counted, send them to where it lives."""
        kept = working.kept
        if moved.version <= kept.profile_version:
            return Changes()
        before = kept.lives_at
        now_at = "" if moved.lead == working.lead else moved.lead
        kept = msgspec.structs.replace(kept, lives_at=now_at, profile_version=moved.version)
        after = Working(working.lead, kept, working.history)
        emissions = []
        if before and before != now_at:
            left = ProfileLeft(profile=working.lead, version=moved.version, lead=before, to_lead=moved.lead)
            emissions.append(Emission(left, before, before, learned.received))
        if now_at:
            own = [fact for fact in working.history or () if fact.profile == working.lead]
            emissions += self._send_all(after, own, learned.received)
        if before == now_at:
            return Changes(after, emissions)
        after = recount(self.models, after)
        if now_at:
            return self._tell(working, self._silence(after, learned.received), learned, emissions=emissions)
        return self._tell(working, after, learned, emissions=emissions, restated=True)

    def on_facts_arrived(self, working: Working, learned: Learned, arrived: FactsArrived) -> Changes[Working]:
        """Facts of a profile that lives here now: joined by their ids, as often as they come."""
        kept = working.kept
        lodging = kept.lodgers.get(arrived.profile, Lodging(0, is_here=False))
        if arrived.version < lodging.version or (arrived.version == lodging.version and not lodging.is_here):
            return Changes()
        was_here = lodging.is_here
        lodgers = {**kept.lodgers, arrived.profile: Lodging(arrived.version, is_here=True)}
        moved_in = Working(working.lead, msgspec.structs.replace(kept, lodgers=lodgers), working.history)
        after, new, restated = take_in(self.models, moved_in, arrived.facts)
        if not was_here:
            after, restated = recount(self.models, after), True
        rows: list[object] = [KeptFact(working.lead, fact) for fact in new]
        return self._tell(working, after, learned, rows=rows, restated=restated)

    def on_profile_departed(
        self, working: Working, learned: Learned, departed: ProfileDeparted
    ) -> Changes[Working]:
        """A profile has left: its facts no longer count here, and nothing is told of it."""
        lodging = working.kept.lodgers.get(departed.profile, Lodging(0, is_here=False))
        if departed.version <= lodging.version:
            return Changes()
        lodgers = {**working.kept.lodgers, departed.profile: Lodging(departed.version, is_here=False)}
        kept = msgspec.structs.replace(working.kept, lodgers=lodgers)
        after = recount(self.models, Working(working.lead, kept, working.history))
        return self._tell(working, self._silence(after, learned.received), learned)

    def _silence(self, working: Working, now: Instant) -> Working:
        """Let what is now count as told."""
        kept = working.kept
        told = Told() if kept.score is None else adopt(self.models, kept.score, kept.told, now=now)
        return Working(working.lead, msgspec.structs.replace(kept, told=told), working.history)

    def _tell(
        self,
        before: Working,
        after: Working,
        learned: Learned,
        *,
        rows: Sequence[object] = (),
        emissions: Sequence[Emission] = (),
        restated: bool = False,
    ) -> Changes[Working]:
        """Say what is to be said of a lead after something was learnt, and set its clock."""
        kept = after.kept
        changes: list[TierChange] = []
        told, wake = kept.told, None
        if kept.score is not None:
            changes, told = changes_to_emit(
                self.models, kept.score, kept.told, now=learned.received, restated=restated
            )
            wake = next_wake(self.models, kept.score, after=told.through)
        was = before.kept.score
        says_scores = bool(changes) or (kept.score is not was and not _same_points(kept.score, was))
        kept = msgspec.structs.replace(kept, told=told, wake=wake, revision=kept.revision + says_scores)
        after = Working(after.lead, kept, after.history)
        said = [*emissions, *(self._change(after, change) for change in changes)]
        if says_scores:
            said += self._scores(after, learned.received)
        return Changes(
            after,
            said,
            timers={COOLING: wake}
            if wake != before.kept.wake or isinstance(learned.event, TimerFired)
            else {},
            rows=[
                *rows,
                *(
                    TierChangeRow(after.lead, learned.id, learned.received, change, kept.external_ids)
                    for change in changes
                ),
            ],
        )

    def _change(self, working: Working, change: TierChange) -> Emission:
        event = TierChanged(
            lead=working.lead,
            model=change.model,
            model_version=change.version,
            direction=change.direction,
            from_tier=change.from_tier,
            to_tier=change.to_tier,
            points=change.points,
            at=to_datetime(change.at),
            restated=change.restated,
            reasons=[Reason(rule=line.rule, points=line.points, event=line.event) for line in change.reasons],
            external_ids=external_ids_of(working.kept.external_ids),
        )
        return Emission(event, working.lead, working.lead, change.at)

    def _scores(self, working: Working, now: Instant) -> list[Emission]:
        state = working.kept.score
        at = max(now, state.last_occurred) if state is not None else now
        scores = [
            ModelScore(
                model=answer.score.model,
                model_version=answer.score.version,
                points=answer.score.points,
                tier=answer.score.tier,
                tier_since=to_datetime(answer.score.tier_since or at),
                as_of=to_datetime(at),
            )
            for answer in explain_state(self.models, state, as_of=at)
        ]
        event = ScoresUpdated(lead=working.lead, version=working.kept.revision, scores=scores)
        return [Emission(event, working.lead, working.lead, at, latest_only=True)]

    def _send(
        self, working: Working, facts: Sequence[Fact], now: Instant, part: int = 1, parts: int = 1
    ) -> Emission:
        moved = FactsMoved(
            profile=working.lead,
            version=working.kept.profile_version,
            lead=working.kept.lives_at,
            facts=[
                MovedFact(
                    id=fact.id,
                    occurred=to_datetime(fact.occurred),
                    received=to_datetime(fact.received),
                    name=fact.name,
                    fields=dict(fact.fields),  # type: ignore[arg-type]
                )
                for fact in facts
            ],
            part=part,
            parts=parts,
        )
        return Emission(moved, working.kept.lives_at, working.kept.lives_at, now)

    def _send_all(self, working: Working, facts: Sequence[Fact], now: Instant) -> list[Emission]:
        parts = [facts[i : i + _FACTS_PER_PART] for i in range(0, len(facts), _FACTS_PER_PART)] or [()]
        return [self._send(working, part, now, i, len(parts)) for i, part in enumerate(parts, 1)]


def external_ids_of(known: dict[str, str]) -> list[ExternalId]:
    """Return external ids as events carry them, ordered by source."""
    return [ExternalId(source=source, id=identity) for source, identity in sorted(known.items())]


def _same_points(state: ScoringState | None, was: ScoringState | None) -> bool:
    """Return whether two states hold the same lines in every model."""
    if state is None or was is None:
        return state is was
    return state.models is was.models
