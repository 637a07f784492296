"""The latest scores of a lead. Key: lead id; compacted."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.contracts.attributes import EXAMPLE_LEAD, EXAMPLE_MOMENT, LeadId, Moment, Points
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import SCORES


class ModelScore(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What one version of one scoring model says about the lead as of an instant."""

    model: str
    model_version: int
    points: Points
    tier: str
    tier_since: Moment
    as_of: Moment


@DECLARED.declare(name="scores_updated", on=SCORES)
class ScoresUpdated(Event, frozen=True, kw_only=True):
    """Scoring says: these are the lead's scores, one entry per live model.

    Whole, not a difference; the highest ``version`` of a lead wins. Several changes may be told as
    one, so it does not imply that every score in between was told; for that, see tier changes.
    """

    lead: LeadId
    version: int
    scores: list[ModelScore]


EXAMPLES: Final = (
    ScoresUpdated(
        lead=EXAMPLE_LEAD,
        version=7,
        scores=[
            ModelScore(
                model="key_account",
                model_version=1,
                points=75_000,
                tier="key_account",
                tier_since=EXAMPLE_MOMENT,
                as_of=EXAMPLE_MOMENT,
            )
        ],
    ),
)
