"""What a model's document says that no sum needs: how things are called, and conditions as they were written.

Whoever tells a score in words, or what would raise it, reads it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from services.scoring.domain.vocabulary import Vocabulary

Label: TypeAlias = Mapping[str, str]
"""How something is called, by language; empty where the document does not say."""


class Origin(NamedTuple):
    """Labels by the names of what they call, and conditions as plain data (None: there is none).

    Both are the model's own: a combination's sources bring theirs. ``kinds`` are those of its gate.
    """

    vocabulary: Vocabulary
    rules: Mapping[str, Label]
    groups: Mapping[str, Label]
    tiers: Mapping[str, Label]
    kinds: Mapping[str, Label]
    conditions: Mapping[str, Mapping[str, object] | None]
    gate_conditions: Mapping[str, Mapping[str, object] | None]
    audience: Mapping[str, object] | None
