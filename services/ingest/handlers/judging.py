"""From what speaks for or against a lead to what everybody is told of it (I5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.evidence.bursts import BURST, RecentAct, find_burst
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.identity.resolving import Resolution
from services.ingest.domain.intake import Intake
from services.ingest.domain.story import StoryRow
from services.ingest.domain.validity.judging import InvalidateLead, Judge, ValidateLead, Verdict, WordHeard
from services.ingest.handlers.resolution import PersonErased
from services.ingest.handlers.story import in_words
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.behaviour import ActJudged, BehaviourEvent
from shared.contracts.events.leads import LeadInvalidated, LeadValidated
from shared.kernel.changes import Emission
from shared.kernel.instants import SECOND, Instant

OnIntake = Callable[[Directory, Intake], list[Emission]]
"""Takes one message into the directory and returns what it makes us say, or raises Rejected; pure."""


class TakeIn(Protocol):
    """Does the same, and is told which message it is."""

    def __call__(self, directory: Directory, intake: Intake, *, cause: str) -> list[Emission]:
        """Return what the message makes us say, in order."""
        ...


class Judging:
    """Judges what comes in, and carries out what people say, under one set of rules."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._burst = judge.rules.burst

    def with_bursts(self, on_intake: OnIntake) -> TakeIn:
        """Return what takes one message in and then judges the acts of late together with its own."""

        def take_in(directory: Directory, intake: Intake, *, cause: str) -> list[Emission]:
            emissions = on_intake(directory, intake)
            if self.watch_bursts(intake):
                emissions += self._judge_burst(directory, intake, emissions, cause)
            return emissions

        return take_in

    def watch_bursts(self, intake: Intake) -> int:
        """Return within what span other acts make a burst with a message's, 0 if its act makes none."""
        is_watched = intake.act is not None and intake.act.name in self._burst.acts and not intake.dismissed
        return round(self._burst.seconds * SECOND) if is_watched else 0

    def on_message(
        self, directory: Directory, intake: Intake, resolution: Resolution, lead: Lead
    ) -> tuple[Lead, list[Emission]]:
        """Heed what a message tells of its lead; the verdict is said if it is another than before."""
        before = directory.before.get(lead.id, lead)
        heeded = self._judge.heed(lead, intake, was_captured=before is not None and before.is_captured)
        if heeded is resolution.lead and not resolution.moves:
            return heeded, []
        verdicts = self._judge.settle(directory, heeded)
        return heeded, [_emission(verdict, intake.occurred) for verdict in verdicts]

    def on_word(
        self,
        directory: Directory,
        lead_id: str,
        command: InvalidateLead | ValidateLead,
        *,
        at: Instant,
        cause: str,
    ) -> tuple[list[Emission], list[StoryRow]]:
        """Do as a person says: what they said last counts above every rule.

        :raises PersonErased: if the person has been forgotten.
        :raises ReasonUnknown: if the reason is none of those listed.
        """
        directory.begin_fact()
        if directory.leads[lead_id].erased is not None:
            raise PersonErased
        return self.rejudge(directory, [lead_id], at=at, cause=cause, word=command, field="reason")

    def on_word_heard(
        self, directory: Directory, word: WordHeard, *, at: Instant, cause: str
    ) -> tuple[list[Emission], list[StoryRow]]:
        """Take as a person's word what one said in sales; whoever was forgotten, or is unknown, stays so."""
        directory.begin_fact()
        lead = directory.lead_of(Identifier(IdentifierKind.LEAD, word.lead))
        if lead is None or lead.erased is not None:
            return [], []
        lead = self._judge.hear_word(lead, word, at=at)
        directory.save_lead(lead)
        return _tell(self._judge.settle(directory, lead), at=at, cause=cause)

    def rejudge(
        self,
        directory: Directory,
        lead_ids: Iterable[str],
        *,
        at: Instant,
        cause: str,
        first: int = 0,
        word: InvalidateLead | ValidateLead | None = None,
        field: str = "invalid",
    ) -> tuple[list[Emission], list[StoryRow]]:
        """Judge leads again after something else about them has changed.

        ``first`` is how many emissions of the same cause come before; ``word`` is what a person says of the
        leads along with it, its reason under ``field``.

        :raises ReasonUnknown: if the reason of the word is none of those listed.
        """
        pardons = isinstance(word, ValidateLead) and word.pardons
        verdicts: list[Verdict] = []
        for lead_id in lead_ids:
            lead = directory.leads[lead_id]
            if word is not None:
                lead = self._judge.take_word(lead, word, at=at, field=field)
                directory.save_lead(lead)
            verdicts += self._judge.settle(directory, lead, pardons=pardons)
        return _tell(verdicts, at=at, cause=cause, first=first)

    def _judge_burst(
        self, directory: Directory, intake: Intake, emissions: Sequence[Emission], cause: str
    ) -> list[Emission]:
        """Note the act, and say of those that came in one burst that they count for nothing."""
        ordinal, told = next(
            (place, one) for place, one in enumerate(emissions) if isinstance(one.event, BehaviourEvent)
        )
        assert isinstance(told.event, BehaviourEvent)
        profile, lead = told.event.profile, told.event.lead
        event = event_id(cause, type_of(told.event), ordinal)
        recent = list(directory.recent_acts.get(profile, ()))
        if all(act.event != event for act in recent):  # a message taken in again tells no act more
            recent.append(RecentAct(profile, event, intake.occurred))
        judged = {
            act.event: act._replace(verdict=1) for act in find_burst(self._burst, recent) if not act.verdict
        }
        directory.note_acts(profile, [judged.get(act.event, act) for act in recent])
        return [
            Emission(
                ActJudged(
                    lead=lead,
                    profile=profile,
                    source=intake.source,
                    act=act.event,
                    dismissed=BURST,
                    rule=BURST,
                    verdict=act.verdict,
                ),
                profile,
                lead,
                intake.occurred,
            )
            for act in judged.values()
        ]


def _tell(
    verdicts: Sequence[Verdict], *, at: Instant, cause: str, first: int = 0
) -> tuple[list[Emission], list[StoryRow]]:
    emissions, story = [], []
    for ordinal, verdict in enumerate(verdicts, first):
        emission = _emission(verdict, at)
        event = emission.event
        assert isinstance(event, LeadInvalidated | LeadValidated)
        name = event_id(cause, type_of(event), ordinal)
        kind = "lead_invalidated" if verdict.is_invalid else "lead_validated"
        story.append(StoryRow(verdict.profile, verdict.lead, at, kind, in_words(event), None, cause, name))
        emissions.append(emission)
    return emissions, story


def _emission(verdict: Verdict, at: Instant) -> Emission:
    common: dict[str, Any] = {
        "lead": verdict.lead,
        "profile": verdict.profile,
        "reason": verdict.reason,
        "rule": verdict.rule,
        "verdict": verdict.number,
        "by": verdict.by,
    }
    event: LeadInvalidated | LeadValidated
    if verdict.is_invalid:
        event = LeadInvalidated(**common)
    else:
        event = LeadValidated(**common, pardons=verdict.pardons)
    return Emission(event, verdict.profile, verdict.lead, at)
