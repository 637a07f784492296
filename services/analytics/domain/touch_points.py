"""Touch points: which facts may earn credit, and to which channel and campaign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from services.analytics.domain.facts import Fact, Place
from shared.kernel.instants import Instant

DISMISSED = "dismissed"
"""The field of an act that counted for nothing when it was told."""

Takes = Literal["acquisition", "live_event", "message"]


class Touch(msgspec.Struct, frozen=True, gc=False):
    """An act or message that may earn credit.

    ``kind`` is the rule's name. The campaign of a touch in a mail is the mail's sequence, which nurture
    tells on another topic: it is looked up by ``message`` when it is read. What was ``dismissed`` when it
    was told is kept, for a later verdict may say that it counts (:mod:`~services.analytics.domain.verdicts`).
    """

    event: str
    profile: str
    occurred: Instant
    received: Instant
    kind: str
    channel: str
    campaign: str
    source: str
    message: str
    dismissed: bool = False

    @property
    def place(self) -> Place:
        """Where it stands among others."""
        return Place(self.occurred, self.received, self.event)


class TouchRule(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of these kinds are touches, if they carry what the rule ``takes``.

    ``acquisition``: channel and campaign as the request told what had brought somebody;
    ``except_channels`` are no touches. ``live_event``: the fair or seminar is the campaign.
    ``message``: the sequence that sent the message is the campaign. The last two need a ``channel``.
    """

    name: str
    takes: Takes
    kinds: frozenset[str]
    channel: str = ""
    except_channels: frozenset[str] = frozenset()

    def touch_of(self, fact: Fact) -> Touch | None:
        """Return the touch that a fact is under this rule, or None."""
        if fact.kind not in self.kinds:
            return None
        acquisition = fact.fields.get("acquisition") or {}
        channel, campaign, message = self.channel, "", ""
        if self.takes == "acquisition":
            channel, campaign = acquisition.get("channel", ""), acquisition.get("campaign", "")
            if not channel or channel in self.except_channels:
                return None
        elif self.takes == "live_event":
            campaign = fact.fields.get("live_event", "")
        else:
            message = fact.fields.get("message", "")
        return Touch(
            event=fact.id,
            profile=fact.profile,
            occurred=fact.occurred,
            received=fact.received,
            kind=self.name,
            channel=channel,
            campaign=campaign,
            source=fact.fields.get("source", ""),
            message=message,
            dismissed=bool(fact.fields.get(DISMISSED)),
        )


class TouchRules(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as a touch point, first rule that fits; and which touches a path is made of.

    A path reaches ``lookback`` back from the outcome, both ends included. Touches that follow one
    another within ``visit``, with nothing of another kind between, are one touch: the first.
    """

    rules: tuple[TouchRule, ...]
    lookback: Instant
    visit: Instant

    def touch_of(self, fact: Fact) -> Touch | None:
        """Return the touch point that a fact is, or None; verdicts say whether it counts (I5)."""
        for rule in self.rules:
            touch = rule.touch_of(fact)
            if touch is not None:
                return touch
        return None

    def path(self, touches: Iterable[Touch], *, closing: Instant) -> tuple[Touch, ...]:
        """Return the touches that led to an outcome at ``closing``, oldest first."""
        path: list[Touch] = []
        before: Touch | None = None
        within = (touch for touch in touches if closing - self.lookback <= touch.occurred <= closing)
        for touch in sorted(within, key=lambda touch: touch.place):
            if before is None or not self._is_same_visit(before, touch):
                path.append(touch)
            before = touch
        return tuple(path)

    def _is_same_visit(self, before: Touch, touch: Touch) -> bool:
        return touch.occurred - before.occurred <= self.visit and all(
            getattr(before, name) == getattr(touch, name) for name in ("channel", "campaign", "message")
        )
