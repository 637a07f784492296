"""The rule types. A new one is a module beside these and its name in :data:`AnyRuleDocument`."""

from __future__ import annotations

from typing import TypeAlias

from services.scoring.domain.rules.act import ActRuleDocument
from services.scoring.domain.rules.attribute import AttributeRuleDocument
from services.scoring.domain.rules.date import DateRuleDocument
from services.scoring.domain.rules.times import TimesRuleDocument
from services.scoring.domain.rules.window import WindowRuleDocument

AnyRuleDocument: TypeAlias = (
    AttributeRuleDocument | DateRuleDocument | ActRuleDocument | WindowRuleDocument | TimesRuleDocument
)
"""Whatever may stand in a group's ``rules``; ``type`` tells which."""

__all__ = ["AnyRuleDocument"]
