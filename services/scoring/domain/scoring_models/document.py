"""The shape of a scoring model's document, and of the lists that models refer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from services.scoring.domain.activation.document import ActivationDocument
from services.scoring.domain.rules import AnyRuleDocument
from services.scoring.domain.rules.rule import Name
from services.scoring.domain.scoring_models.combining import SourceDocument
from services.scoring.domain.scoring_models.grades import GradesDocument

TierName = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,62}$")]
"""How a tier is called; capitals are fine, for people speak of A leads."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that no part knows are faults."""


Days = Annotated[int, Meta(ge=1, le=3660)]
"""A number of whole days."""


class CoolingDocument(_Part, frozen=True, kw_only=True):
    """Points count in full for ``full_hours``, then cool by ``law``.

    ``half_life``: they halve every ``half_life_days``, continuously (C12). ``linear_steps``: every
    ``every_days`` they lose ``percent`` of what was granted; ``compound_steps``: of what is left.
    """

    law: Literal["half_life", "linear_steps", "compound_steps"] = "half_life"
    full_hours: Annotated[int, Meta(ge=0, le=24 * 3660)]
    half_life_days: Days | None = None
    every_days: Days | None = None
    percent: Annotated[int, Meta(ge=1, le=100)] | None = None


class GroupDocument(_Part, frozen=True, kw_only=True):
    """Rules that share a cooling, a cap on what they bring and a floor under what they take away.

    Fit has neither cooling nor acts.
    """

    group: Name
    of: Literal["fit", "behaviour"]
    label: Mapping[str, str] = {}
    cooling: CoolingDocument | None = None
    cap: float | None = None
    floor: float | None = None
    rules: Annotated[tuple[AnyRuleDocument, ...], Meta(min_length=1)]


class TierDocument(_Part, frozen=True, kw_only=True):
    """A tier and its lower bound: ``at_least`` includes it, ``more_than`` does not; the lowest has none."""

    tier: TierName
    at_least: float | None = None
    more_than: float | None = None
    label: Mapping[str, str] = {}


class LeavingDocument(_Part, frozen=True, kw_only=True):
    """A tier is left ``margin`` points below its bound and not before ``after_hours`` in it (C12)."""

    margin: Annotated[float, Meta(gt=0)]
    after_hours: Annotated[int, Meta(ge=0, le=24 * 366)]


class AudienceDocument(_Part, frozen=True, kw_only=True):
    """Whom a model scores: leads for whom ``when`` holds; ``label`` says who that is."""

    when: Mapping[str, object]
    label: Mapping[str, str]


class ScoringModelDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole model. Tiers stand highest first; without ``leaving`` they follow the score at once.

    With ``activation`` it also tells when a lead is ready for sales (C9). A combination ``combines`` other
    models in place of ``groups``. With ``audience`` it scores some leads only, with ``grades`` it also
    gives a grade of two axes.
    """

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    groups: Annotated[tuple[GroupDocument, ...], Meta(min_length=1)] = ()
    combines: Annotated[tuple[SourceDocument, ...], Meta(min_length=1)] = ()
    audience: AudienceDocument | None = None
    grades: GradesDocument | None = None
    tiers: Annotated[tuple[TierDocument, ...], Meta(min_length=1)]
    leaving: LeavingDocument | None = None
    activation: ActivationDocument | None = None


class ValueListDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named list of values; conditions refer to it as ``{list: name@version}``."""

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    values: Annotated[tuple[str, ...], Meta(min_length=1)]
