"""Standard choices: from the many ways in which people say something to one value."""

from __future__ import annotations

from services.ingest.domain.choices.answers import read_yes_no
from services.ingest.domain.choices.folding import fold, fold_spelling, key_of
from services.ingest.domain.choices.numbers import read_number, read_whole_number
from services.ingest.domain.choices.rules import SPELT, Added, ChoiceRule, Standard
from services.ingest.domain.choices.standardising import Choices

__all__ = [
    "SPELT",
    "Added",
    "ChoiceRule",
    "Choices",
    "Standard",
    "fold",
    "fold_spelling",
    "key_of",
    "read_number",
    "read_whole_number",
    "read_yes_no",
]
