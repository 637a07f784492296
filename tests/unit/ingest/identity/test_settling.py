"""Two leads that a person merges, or keeps apart.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

import pytest

from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.identity.settling import AlreadyOne, LeadTooLarge
from services.ingest.handlers.settling import Settled, Settling
from shared.contracts.events.leads import LeadChanged, LeadMerged
from shared.kernel.errors import Rejected
from tests.unit.ingest.requests import RECEIVED, RULEBOOK
from tests.unit.ingest.test_identity import lead, message
from tests.unit.ingest.test_unmerging import House

SETTLING = Settling(RULEBOOK.matching)
ADA, BOB = "ada@example.com", "bob@example.com"


def two() -> House:
    return House(message(user="u1", email=ADA, name="Ada"), message(user="u2", email=BOB, name="Ada L"))


def both(house: House) -> tuple[Lead, Lead]:
    return house.owner(IdentifierKind.EMAIL, ADA), house.owner(IdentifierKind.EMAIL, BOB)


def merge(directory: Directory, first: Lead, second: Lead, reason: str = "same desk") -> Settled:
    return SETTLING.on_merge(directory, first, second, by="Mia", reason=reason, at=RECEIVED, cause="c" * 32)


class TestMergingByHand:
    def test_joins_what_the_rules_keep_apart_and_says_who_and_why(self) -> None:
        house = two()
        first, second = both(house)
        done = merge(house.directory, first, second)
        assert done.lead == min(first.id, second.id)
        moved, changed = (one.event for one in done.emissions[:2])
        assert isinstance(moved, LeadMerged)
        assert (moved.by, moved.reason, moved.lead) == ("Mia", "same desk", done.lead)
        assert isinstance(changed, LeadChanged)
        assert changed.by == "Mia"
        (row,) = done.story
        assert row.text.endswith("same desk, by Mia")
        assert both(house)[0].id == both(house)[1].id

    def test_names_nobody_in_its_reason(self) -> None:
        house = two()
        done = merge(house.directory, *both(house), reason="it is ada@example.com")
        assert all("ada@example.com" not in row.text for row in done.story)

    def test_is_taken_back_like_any_other(self) -> None:
        house = two()
        first, second = both(house)
        done = merge(house.directory, first, second)
        house.unmerge(max(first.id, second.id))
        assert {one.id for one in both(house)} == {first.id, second.id}
        house.take(message(user="u1", email=BOB))
        assert done.lead in {first.id, second.id}
        assert both(house)[0].id != both(house)[1].id

    def test_of_one_lead_is_refused(self) -> None:
        house = two()
        first, _ = both(house)
        with pytest.raises(AlreadyOne):
            merge(house.directory, first, first)

    def test_of_too_many_is_refused(self) -> None:
        import msgspec

        few = Settling(msgspec.structs.replace(RULEBOOK.matching, profiles_per_person=1))
        house = two()
        with pytest.raises(LeadTooLarge):
            few.on_merge(house.directory, *both(house), by="Mia", reason="", at=RECEIVED, cause="c" * 32)

    def test_of_somebody_who_was_forgotten_is_refused(self) -> None:
        import msgspec

        house = two()
        first, second = both(house)
        with pytest.raises(Rejected, match="forgotten"):
            merge(house.directory, msgspec.structs.replace(first, erased=RECEIVED), second)


class TestKeepingApart:
    def test_outlasts_whatever_they_share_later(self) -> None:
        house = House(lead(email=ADA), lead(phone="13800138000", minutes=1))
        first = house.owner(IdentifierKind.EMAIL, ADA)
        second = house.owner(IdentifierKind.PHONE, "+8613800138000")
        done = SETTLING.on_apart(
            house.directory, first, second, by="Mia", note="twins", at=RECEIVED, cause="c" * 32
        )
        assert done.emissions == []
        assert {row.profile for row in done.story} == {first.id, second.id}
        house.take(lead(email=ADA, phone="13800138000", minutes=2))
        assert house.owner(IdentifierKind.EMAIL, ADA).id == first.id
        assert house.owner(IdentifierKind.PHONE, "+8613800138000").id == second.id
        assert house.directory.doubts == [], "it is settled"

    def test_ends_when_somebody_merges_them_after_all(self) -> None:
        house = two()
        first, second = both(house)
        SETTLING.on_apart(house.directory, first, second, by="Mia", note="", at=RECEIVED, cause="c" * 32)
        first, second = both(house)
        merge(house.directory, first, second)
        assert both(house)[0].held("apart") == ()
