"""When attention is wanted: an act completes a sign, lately, and nothing was told for a while before it.

Told is at most one per lead in the quiet time, in occurred time, in either direction: a late act tells
nothing that is too near to what was told. What happened longer ago than the quiet time is not recent
and stays silent. What was told stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.act import object_of
from shared.conditions.compiler import Test
from shared.kernel.instants import Instant

_MOST_ACTS: Final = 200
_MOST_TOLD: Final = 50


class SeenAct(NamedTuple):
    """An act that may complete a sign: when it occurred, its event, the sign's name, what it was done to."""

    occurred: Instant
    event: str
    sign: str
    object: str


class ToldWant(NamedTuple):
    """Attention that was asked for: when which sign was completed, by which act's event; in which event."""

    at: Instant
    sign: str
    event: str
    said: str = ""


class AskedFor(NamedTuple):
    """What the owner was asked to find out: when, after the first contact of which spell, which fields.

    ``cause`` is the event of the contact, ``said`` the one in which it was asked.
    """

    at: Instant
    assignment: str
    fields: tuple[str, ...]
    cause: str = ""
    said: str = ""


class AttentionState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of one lead: acts of late, oldest first, and what was told, in order of telling.

    ``asked`` is what was asked for after first contacts, in order of asking.
    """

    acts: tuple[SeenAct, ...] = ()
    told: tuple[ToldWant, ...] = ()
    asked: tuple[AskedFor, ...] = ()


class Want(NamedTuple):
    """Attention to ask for: the sign, when it was completed, and the events of the acts that count."""

    sign: str
    at: Instant
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """``at_least`` acts, or objects, within ``window`` microseconds; both ends belong to it."""

    name: str
    objects: Mapping[str, str | None]
    test: Test | None
    at_least: int
    window: int
    per_object: bool

    def seen_in(self, fact: Fact) -> SeenAct | None:
        """Return the act in a fact, if it is one that this sign counts."""
        if fact.name not in self.objects or (self.test is not None and not self.test(fact.fields)):
            return None
        return SeenAct(fact.occurred, fact.id, self.name, object_of(fact, self.objects))

    def completions(self, acts: Sequence[SeenAct]) -> Iterator[Want]:
        """Give each act that completes the sign, oldest first, with those that count with it."""
        for place, act in enumerate(acts):
            within = [one for one in acts[: place + 1] if act.occurred - one.occurred <= self.window]
            if self.per_object:
                within = sorted({one.object: one for one in within}.values())
            if len(within) >= self.at_least:
                yield Want(self.name, act.occurred, tuple(one.event for one in within[-self.at_least :]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """The signs, and for how many microseconds nothing more is told after one; the wanted ``fields``."""

    version: int
    quiet: int
    signs: tuple[Sign, ...]
    fields: tuple[str, ...] = ()

    def learn(
        self, state: AttentionState, facts: Iterable[Fact], *, now: Instant, may_tell: bool, said: str = ""
    ) -> tuple[AttentionState, Want | None]:
        """Return what is remembered after ``facts``, and the attention to ask for, the latest if several.

        ``now`` is when they were learnt, ``said`` the event in which it would be asked for; without
        ``may_tell`` they are only remembered. The same state is returned if no sign counts any of them.
        """
        known = {(act.event, act.sign) for act in state.acts}
        fresh = [
            act
            for fact in facts
            for sign in self.signs
            if (act := sign.seen_in(fact)) is not None and (act.event, act.sign) not in known
        ]
        if not fresh:
            return state, None
        acts = sorted({*state.acts, *fresh})
        horizon = acts[-1].occurred - self.quiet - max(sign.window for sign in self.signs)
        acts = [act for act in acts if act.occurred >= horizon][-_MOST_ACTS:]
        want = self._wanted(acts, fresh, state.told, now) if may_tell else None
        told = state.told
        if want is not None:
            told = (*told, ToldWant(want.at, want.sign, want.acts[-1], said))[-_MOST_TOLD:]
        return AttentionState(tuple(acts), told, state.asked), want

    def ask(
        self,
        state: AttentionState,
        known: Collection[str],
        *,
        at: Instant,
        assignment: str,
        cause: str,
        said: str,
    ) -> AttentionState:
        """Return what is remembered once the owner was asked for what is missing after a contact (C10).

        The same state is returned if nothing is, or if it was asked under this ``assignment`` already.
        """
        missing = tuple(field for field in self.fields if field not in known)
        if not missing or any(one.assignment == assignment for one in state.asked):
            return state
        asked = AskedFor(at, assignment, missing, cause, said)
        return AttentionState(state.acts, state.told, (*state.asked, asked)[-_MOST_TOLD:])

    def _wanted(
        self, acts: Sequence[SeenAct], fresh: Sequence[SeenAct], told: Sequence[ToldWant], now: Instant
    ) -> Want | None:
        events = {(act.event, act.sign) for act in fresh}
        found = [
            want
            for sign in self.signs
            for want in sign.completions([act for act in acts if act.sign == sign.name])
            if any((event, sign.name) in events for event in want.acts)
            and now - want.at < self.quiet
            and all(abs(want.at - one.at) >= self.quiet for one in told)
        ]
        return max(found, key=lambda want: (want.at, want.acts[-1], want.sign), default=None)
