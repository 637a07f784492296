"""A merge that was wrong is taken back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.identifiers import IdentifierKind, identifier_hasher
from services.ingest.domain.identity.merging import UnmergeLead, find_homecomers
from services.ingest.domain.intake import Intake
from services.ingest.handlers.erasing import on_erasure
from services.ingest.handlers.unmerging import Unmerging
from shared.contracts.events.contacts import ContactUpdated
from shared.contracts.events.leads import LeadChanged, LeadMerged, LeadUnmerged
from shared.kernel.errors import Rejected
from tests.examples import tried
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, on_intake
from tests.unit.ingest.test_identity import lead, message, page

HASH = identifier_hasher(IDENTITY_KEY)
UNMERGING = Unmerging(HASH)
EMAIL, PHONE = "a@example.com", "13800138000"
BOTH = lead(email=EMAIL, phone=PHONE, minutes=5)


class House:
    """A directory, the kinds of its identifiers, and what was said."""

    def __init__(self, *intakes: Intake) -> None:
        self.directory = Directory()
        self.kinds: dict[str, IdentifierKind] = {}
        self.said: list[Any] = []
        for intake in intakes:
            self.take(intake)

    def take(self, intake: Intake) -> list[Any]:
        self.kinds |= {one.hash: one.kind for one in intake.identifiers}
        self.said = [one.event for one in on_intake(self.directory, intake)]
        return self.said

    def unmerge(self, lead_id: str, reason: str = "two people") -> list[Any]:
        theirs = {one.id for one in find_homecomers(self.directory, lead_id)}
        owners = self.directory.profiles_of_identifiers
        own = {one: self.kinds[one] for one, profile in owners.items() if profile in theirs}
        command = UnmergeLead(lead_id, reason)
        emissions, story = UNMERGING.on_unmerge(self.directory, command, own, at=RECEIVED, cause="c" * 32)
        assert len(story) == len(theirs)
        return [one.event for one in emissions]

    def merged_away(self) -> str:
        return next(one.from_lead for one in self.said if isinstance(one, LeadMerged))

    def owner(self, kind: IdentifierKind, value: str) -> Lead:
        found = self.directory.lead_of(HASH(kind, value))
        assert found is not None
        return found

    def people(self) -> tuple[Lead, Lead]:
        """Return who has the address, and who has the number."""
        return self.owner(IdentifierKind.EMAIL, EMAIL), self.owner(IdentifierKind.PHONE, f"+86{PHONE}")


def two_people() -> House:
    return House(
        lead(email=EMAIL, name="Ada", note="by mail"),
        lead(phone=PHONE, name="Ada", industry="互联网", external_id="7", minutes=1),
        BOTH,
    )


class TestTakingAMergeBack:
    def test_lets_both_stand_as_they_stood(self) -> None:
        house = two_people()
        apart = house.merged_away()
        told = house.unmerge(apart)
        assert [type(one) for one in told] == [
            LeadUnmerged,
            LeadChanged,
            LeadChanged,
            *([ContactUpdated] * 2),
        ]
        assert (told[0].lead, told[0].reason, told[0].version) == (apart, "two people", 2)
        mail, call = house.people()
        assert mail.id != call.id
        assert (mail.contact.text("email"), mail.contact.text("phone")) == (EMAIL, None)
        assert (call.contact.text("email"), call.contact.text("phone")) == (None, f"+86{PHONE}")
        assert [ref.id for ref in call.external_ids] == ["7"]
        assert mail.external_ids == ()
        assert "industry" in call.attributes

    def test_says_contacts_with_versions_that_rise(self) -> None:
        house = two_people()
        before = {one.id: one.contact.version for one in house.directory.leads.values()}
        for event in house.unmerge(house.merged_away()):
            if isinstance(event, ContactUpdated):
                assert event.version > before[event.lead]

    def test_holds_whatever_the_two_share_afterwards(self) -> None:
        house = two_people()
        house.unmerge(house.merged_away())
        mail, call = house.people()
        said = house.take(lead(email=EMAIL, phone=PHONE, minutes=9))
        assert not [one for one in said if isinstance(one, LeadMerged)]
        assert {one.id for one in house.people()} == {mail.id, call.id}
        assert house.people()[0].contact.text("phone") is None

    def test_brings_everything_home_that_had_come_along(self) -> None:
        house = House(
            page("b"),
            message(browser="b", email=EMAIL, minutes=1),
            page("c", minutes=2),
            message(browser="c", user="u-1", minutes=3),
        )
        house.take(message(user="u-1", email=EMAIL, minutes=4))
        apart = house.merged_away()
        theirs = {one.id for one in find_homecomers(house.directory, apart)}
        told = house.unmerge(apart)
        assert {one.profile for one in told if isinstance(one, LeadUnmerged)} == theirs
        assert {one.id for one in house.directory.profiles_of(apart)} == theirs
        mail = house.owner(IdentifierKind.EMAIL, EMAIL)
        user = house.owner(IdentifierKind.USER, "u-1")
        assert mail.id != user.id
        assert house.owner(IdentifierKind.ANONYMOUS, "b").id == mail.id
        assert house.owner(IdentifierKind.ANONYMOUS, "c").id == user.id

    def test_leaves_a_refusal_of_messages_with_both(self) -> None:
        house = two_people()
        house.take(
            message("track", email=EMAIL, event="Unsubscribed", properties={"email": EMAIL}, minutes=7)
        )
        house.unmerge(self.gone(house))
        for person in house.people():
            assert person.contact.known["consent_email"].value is False

    @staticmethod
    def gone(house: House) -> str:
        return next(one.id for one in house.directory.profiles.values() if one.id != one.lead)

    @pytest.mark.parametrize("who", ["stays", "erased"])
    def test_is_refused_where_there_is_nothing_to_take_back(self, who: str) -> None:
        house = two_people()
        gone = house.merged_away()
        stays = house.directory.profiles[gone].lead
        if who == "erased":
            on_erasure(house.directory, stays, at=RECEIVED, cause="c" * 32)
        with pytest.raises(Rejected) as refused:
            house.unmerge(stays if who == "stays" else gone)
        assert refused.value.reason == ("lead.not_merged" if who == "stays" else "intake.erased")

    def test_names_nobody_in_its_reason(self) -> None:
        house = two_people()
        told = house.unmerge(house.merged_away(), reason="not ada@example.com")
        assert "ada@" not in told[0].reason

    @settings(max_examples=tried(120), deadline=None)
    @given(st.lists(st.sampled_from(["mail", "call", "both", "browse", "apart"]), max_size=14))
    def test_keeps_the_directory_whole_whatever_comes_between(self, steps: list[str]) -> None:
        house = House()
        for minute, step in enumerate(steps):
            if step == "apart":
                moved = [one.id for one in house.directory.profiles.values() if one.id != one.lead]
                if moved:
                    house.unmerge(min(moved))
                continue
            fields = {
                "mail": {"email": EMAIL},
                "call": {"phone": PHONE},
                "both": {"email": EMAIL, "phone": PHONE},
            }
            house.take(
                page("b", minutes=minute) if step == "browse" else lead(minutes=minute, **fields[step])
            )
        directory = house.directory
        for profile in directory.profiles.values():
            assert directory.profiles[profile.lead].lead == profile.lead
        living = [one for one in directory.leads.values() if directory.profiles[one.id].lead == one.id]
        for kind in ("email", "phone"):
            held = [one.contact.text(kind) for one in living if one.contact.text(kind)]
            assert len(held) == len(set(held))
            hashes = [hash_ for one in living for hash_ in one.held(kind)]
            assert len(hashes) == len(set(hashes))
