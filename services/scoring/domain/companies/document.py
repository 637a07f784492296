"""The shape of a document of a model that is kept per company."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from services.scoring.domain.rules.rule import Name
from services.scoring.domain.scoring_models.document import TierDocument


class _Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every rule says: its name, its points (three decimals at most), what it means to people."""

    rule: Name
    points: float
    label: Mapping[str, str] = {}


class AmountRuleDocument(_Rule, frozen=True, kw_only=True, tag="amount"):
    """What was won sums to ``at_least``, or more than ``more_than``, and to less than ``less_than``.

    Amounts in other currencies than ``currency`` do not count. With ``within_months`` each amount leaves
    so many calendar months after it was won, at the same time of day in ``zone``; without, it stays.
    """

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    at_least: Annotated[float, Meta(ge=0)] | None = None
    more_than: Annotated[float, Meta(ge=0)] | None = None
    less_than: Annotated[float, Meta(gt=0)] | None = None
    within_months: Annotated[int, Meta(ge=1, le=120)] | None = None
    zone: str | None = None


class OpportunityRuleDocument(_Rule, frozen=True, kw_only=True, tag="open_opportunity"):
    """An opportunity is open; with ``stages``, in one of these."""

    stages: tuple[str, ...] = ()


class PersonRuleDocument(_Rule, frozen=True, kw_only=True, tag="person"):
    """``when`` holds for the attributes of somebody who works there."""

    when: Mapping[str, object]


class RequestRuleDocument(_Rule, frozen=True, kw_only=True, tag="request"):
    """Somebody who works there did one of ``acts`` in the last ``within_days``."""

    acts: Annotated[tuple[str, ...], Meta(min_length=1)]
    within_days: Annotated[int, Meta(ge=1, le=3660)]


CompanyRuleDocument: TypeAlias = (
    AmountRuleDocument | OpportunityRuleDocument | PersonRuleDocument | RequestRuleDocument
)
"""Whatever may stand in ``rules``; ``type`` tells which."""


class CompanyModelDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole model kept per company. Tiers stand highest first and follow the score at once (C12)."""

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    rules: Annotated[tuple[CompanyRuleDocument, ...], Meta(min_length=1)]
    tiers: Annotated[tuple[TierDocument, ...], Meta(min_length=1)]
