"""Steps in the life of a model, and the commands that ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from shared.kernel.instants import Instant

Kind: TypeAlias = Literal[
    "shipped", "drafted", "validated", "shadowed", "shadow_ended", "shared", "published", "rolled_back"
]
"""What was done. ``shipped`` notes which version of the documents was live before the first other step."""

RULING: Final[frozenset[str]] = frozenset({"shadowed", "shadow_ended", "shared", "published", "rolled_back"})
"""The kinds that change which version rules some lead, or looks at it from the shadow."""

Percent: TypeAlias = Annotated[int, Meta(ge=0, le=100)]
"""A share of all leads; 0 ends it."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``number`` counts the steps of all models; ``digest`` is that of the version's document.

    ``percent`` belongs to ``shared``, ``tells_past`` to ``published`` and ``rolled_back``; ``details`` are
    figures that the step rested on.
    """

    number: int
    model: str
    version: int
    kind: Kind
    at: Instant
    by: str
    why: str
    digest: str = ""
    percent: int = 0
    tells_past: bool = False
    details: Mapping[str, object] = {}


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """The document of a version as it was handed in, and the lists that it names as they were then."""

    text: str
    lists: Mapping[str, tuple[str, ...]] = {}


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What every command says: about which model, who asks, and why."""

    model: str
    by: str
    why: str


class DraftModel(_Asked, frozen=True, kw_only=True):
    """Hand in the document of a new version, as YAML or JSON."""

    text: str


class ValidateModel(_Asked, frozen=True, kw_only=True):
    """Say that a draft has been tried on leads; ``details`` tell on how many, and what came of it."""

    version: int
    details: Mapping[str, object] = {}


class ShadowModel(_Asked, frozen=True, kw_only=True):
    """Let a version score every lead apart; version 0 ends it."""

    version: int


class ShareModel(_Asked, frozen=True, kw_only=True):
    """Let a version rule so many of a hundred leads; 0 ends it."""

    version: int
    percent: Percent


class PublishModel(_Asked, frozen=True, kw_only=True):
    """Let a version rule every lead.

    With ``tells_past`` tiers and activations that differ by it are told, and ``expected`` is how many
    changes of tier were counted beforehand.
    """

    version: int
    tells_past: bool = False
    expected: int | None = None


class RollBackModel(_Asked, frozen=True, kw_only=True):
    """End a share; without one, let the version rule again that did before."""

    tells_past: bool = False
    expected: int | None = None


Command: TypeAlias = DraftModel | ValidateModel | ShadowModel | ShareModel | PublishModel | RollBackModel
"""Whatever may be asked of a model's life."""
