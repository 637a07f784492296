"""A webhook: an address of another system, what it wants to be told, and how it has answered lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from services.scoring.domain.activation.told import SaidActivation
from services.scoring.domain.told_changes import ToldChange
from services.scoring.domain.webhooks.document import WebhooksDocument
from shared.kernel.instants import DAY, SECOND, Instant

Kind = Literal["tier_changed", "lead_activated"]
Direction = Literal["up", "down"]
State = Literal["active", "disabled"]
Said = ToldChange | SaidActivation

WEBHOOK_ID = "wh_"
"""What the id of a webhook begins with."""
GONE = "webhook.gone"
"""The reason of a webhook whose receiver answered 410."""
FAILING = "webhook.failing"
"""The reason of a webhook that answered nothing well for as long as the document allows."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook wants to be told; a part that names nothing leaves nothing out.

    ``directions`` and ``tiers`` (the tier that was reached) speak of tier changes only.
    """

    kinds: tuple[Kind, ...] = ()
    models: tuple[str, ...] = ()
    directions: tuple[Direction, ...] = ()
    tiers: tuple[str, ...] = ()

    def takes(self, said: Said) -> bool:
        """Return whether this is to be told."""
        if isinstance(said, SaidActivation):
            return _holds(self.kinds, "lead_activated") and _holds(self.models, said.activation.model)
        change = said.change
        return (
            _holds(self.kinds, "tier_changed")
            and _holds(self.models, change.model)
            and _holds(self.directions, change.direction)
            and _holds(self.tiers, change.to_tier)
        )


def is_webhook_id(text: str) -> bool:
    """Return whether a text can be the id of a webhook."""
    return text.startswith(WEBHOOK_ID) and text.isascii() and text.replace("_", "").isalnum()


def find_unknown(wanted: Wanted, tiers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what a filter names that the live models (tiers by model) have not: each would match nothing."""
    faults = [f"models: there is no live model {name}" for name in wanted.models if name not in tiers]
    among = [name for name in tiers if _holds(wanted.models, name)]
    there = {tier for name in among for tier in tiers[name]}
    if not faults:
        faults += [
            f"tiers: none of the models has a tier {name}" for name in wanted.tiers if name not in there
        ]
    return faults


class Health(NamedTuple):
    """How a webhook has answered lately: failures in a row, since when, and until when it rests."""

    failures: int = 0
    failing_since: Instant | None = None
    paused_until: Instant = 0

    def is_resting(self, now: Instant) -> bool:
        """Return whether nothing is tried now."""
        return now < self.paused_until

    def is_doubtful(self, rules: WebhooksDocument) -> bool:
        """Return whether one attempt is to tell more before others follow."""
        return self.failures >= rules.pause.after_failures

    def is_hopeless(self, rules: WebhooksDocument, now: Instant) -> bool:
        """Return whether it has answered nothing well for so long that it is given up."""
        since = self.failing_since
        return since is not None and now - since >= rules.disable_after_days * DAY

    def after_failure(
        self, rules: WebhooksDocument, *, now: Instant, draw: float, asked: float | None = None
    ) -> Health:
        """Return how it stands after one more failure; ``draw`` is a lot from 0 to 1.

        ``asked`` are the seconds of rest that the receiver has asked for.
        """
        failures = self.failures + 1
        rest = 0.0
        beyond = failures - rules.pause.after_failures
        if beyond >= 0:
            doubled = rules.pause.first_seconds * 2.0 ** min(beyond, 30)
            rest = min(doubled, rules.pause.longest_seconds) * (1 + rules.jitter * draw)
        rest = max(rest, asked or 0.0)
        since = now if self.failing_since is None else self.failing_since
        return Health(failures, since, max(self.paused_until, now + round(rest * SECOND)))


class Webhook(NamedTuple):
    """One webhook as it stands. ``reason`` says why it is disabled; ``cursor`` how far it was told."""

    id: str
    url: str
    name: str
    wanted: Wanted
    state: State
    reason: str
    cursor: str
    health: Health
    created_at: Instant
    created_by: str
    changed_at: Instant
    changed_by: str


def _holds(named: Sequence[str], value: str) -> bool:
    return not named or value in named
