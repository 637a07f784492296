"""Verdicts: facts that say which other facts count for nothing (I5).

A verdict about a profile withdraws all that is known of it, one about an act withdraws that act. Of
several about the same thing the highest number holds, so the facts that count follow from the set of
facts, in whatever order they are learnt, and a verdict taken back leaves no trace in any score.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.scoring.domain.facts import Fact
from shared.kernel.instants import Instant

LEAD_VERDICT: Final = "lead_verdict"
"""A fact that says whether a profile is anybody; its fields are number, invalid and pardons."""

ACT_VERDICT: Final = "act_verdict"
"""A fact that says whether an act counts; its fields are act, number and dismissed."""

VERDICTS: Final = frozenset({LEAD_VERDICT, ACT_VERDICT})

DISMISSED: Final = "validity/dismissed"
"""The field of an act that counted for nothing when it was told; no client can call a property so."""


def without_withdrawn(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that count; ``facts`` are all there are of their profiles.

    Where nothing else is left the newest verdict stands for all: no rule gives points for one, and the
    lead has a score nevertheless, which is nothing.

    What was dismissed when it was told counts if a later verdict about it says so, or if its lead was
    called valid, with its acts, after the act had been received.
    """
    known = list(facts)
    if not any(fact.name in VERDICTS or DISMISSED in fact.fields for fact in known):
        return known
    profiles: dict[str, Fact] = {}
    acts: dict[str, Fact] = {}
    pardoned: dict[str, Instant] = {}
    for fact in known:
        if fact.name == LEAD_VERDICT:
            profiles[fact.profile] = _later(profiles.get(fact.profile), fact)
            if fact.fields["pardons"]:
                pardoned[fact.profile] = max(fact.received, pardoned.get(fact.profile, fact.received))
        elif fact.name == ACT_VERDICT:
            act = str(fact.fields["act"])
            acts[act] = _later(acts.get(act), fact)
    counting = [
        fact
        for fact in known
        if fact.name not in VERDICTS
        and not (fact.profile in profiles and profiles[fact.profile].fields["invalid"])
        and not _is_dismissed(fact, acts.get(fact.id), pardoned.get(fact.profile))
    ]
    if counting or not (profiles or acts):
        return counting
    return [max((*profiles.values(), *acts.values()), key=lambda fact: (fact.occurred, fact.id))]


def _later(first: Fact | None, second: Fact) -> Fact:
    if first is None:
        return second
    return max(first, second, key=lambda fact: (fact.fields["number"], fact.id))


def _is_dismissed(fact: Fact, verdict: Fact | None, pardoned: Instant | None) -> bool:
    is_dismissed = bool(verdict.fields["dismissed"]) if verdict is not None else DISMISSED in fact.fields
    return is_dismissed and (pardoned is None or fact.received > pardoned)
