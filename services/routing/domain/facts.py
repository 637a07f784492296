"""What routing learns from topics, in its own words."""

from __future__ import annotations

import msgspec

from services.routing.domain.profiles import Held
from shared.kernel.instants import Instant


class ProfileHeard(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A profile was captured or has changed; ``attributes`` are those that were said.

    ``held`` is there if an import of history brought it.
    """

    profile: str
    attributes: dict[str, object]
    reachable: bool
    source: str
    campaign: str
    occurred: Instant
    held: Held | None = None


class ProfileReleased(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """No import holds the profile any more; ``by_merge`` if it turned out to be somebody known already."""

    profile: str
    lead: str
    by_merge: bool


class ProfileMoved(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A profile lives with ``lead`` from this version on; the highest wins."""

    profile: str
    lead: str
    from_lead: str
    version: int


class ProfileErased(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The person asked to be forgotten."""

    profile: str
    lead: str


class TierMoved(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The lead is in another tier of a model."""

    model: str
    to_tier: str
    points: int
    rises: bool


class Activated(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The lead has passed a model's activation gate, for the ``cycle``-th time."""

    model: str
    cycle: int


class ScoresHeard(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The lead's points by model, in thousandths; the highest version counts."""

    version: int
    points: dict[str, int]


class DealHeard(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What became of an opportunity; ``opens`` for its creation, ``stage`` won and lost among others."""

    profile: str
    opportunity: str
    stage: str
    opens: bool
    occurred: Instant


class LeadJudged(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The first filter, or a person, calls the profile's lead invalid or valid; the highest number wins.

    ``by`` is who said so, empty if a rule did.
    """

    profile: str
    number: int
    is_invalid: bool
    reason: str
    by: str = ""


Heard = (
    ProfileHeard
    | ProfileReleased
    | ProfileMoved
    | ProfileErased
    | LeadJudged
    | TierMoved
    | Activated
    | ScoresHeard
    | DealHeard
)
