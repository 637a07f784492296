"""By what leads are brought together, and where that ends: the numbers of a document (I4)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class MatchRules(msgspec.Struct, frozen=True, kw_only=True):
    """Where bringing together ends.

    ``identifiers_per_person`` says by kind how many a person may be known by; one more is not taken.
    ``profiles_per_person`` is how many leads may ever become one. ``people_per_number`` is how many
    differently named people may share a telephone number; from there on it is a switchboard and tells
    nobody apart. A form with the same values within ``same_form_seconds`` is the same form.
    """

    identifiers_per_person: Mapping[str, int]
    profiles_per_person: int
    people_per_number: int
    same_form_seconds: int

    def limit_of(self, kind: str) -> int:
        """Return how many identifiers of a kind a person may have."""
        return self.identifiers_per_person[kind]
