"""Somebody asks to be forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.api.erasures import NamesNobody, PersonIn, PersonNaming, PersonUnnamed
from services.ingest.domain.directory import Contact, Directory, Told
from services.ingest.domain.erasure import holds_any, needles_of
from services.ingest.domain.identifiers import Identifier, IdentifierKind, identifier_hasher
from services.ingest.domain.intake import ERASED, Intake
from services.ingest.handlers.erasing import on_erasure
from services.ingest.handlers.resolution import retell_contact
from shared.contracts.events.leads import LeadErased
from shared.contracts.topics import CONTACTS
from shared.kernel.errors import Rejected
from tests.examples import tried
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, RULEBOOK, on_intake
from tests.unit.ingest.test_identity import lead, message, page

HASH = identifier_hasher(IDENTITY_KEY)
ADA = HASH(IdentifierKind.EMAIL, "ada@example.com")
AT = RECEIVED + 1
CAUSE = "c" * 32


def taken_in(*intakes: Intake) -> Directory:
    directory = Directory()
    for intake in intakes:
        on_intake(directory, intake)
    return directory


def erase(directory: Directory, identifier: Identifier = ADA) -> list[Any]:
    """Return what is said, emissions as pairs of topic or event and key."""
    found = directory.lead_of(identifier)
    if found is None:
        found = directory.open_lead(identifier, created=AT)
    _, emissions, _ = on_erasure(directory, found.id, at=AT, cause=CAUSE)
    return emissions


def refusal_of(directory: Directory, intake: Intake) -> str | None:
    try:
        on_intake(directory, intake)
    except Rejected as refused:
        directory.undo_fact()
        return refused.reason
    return None


class TestAnErasure:
    def test_takes_everything_and_says_so_once_per_profile(self) -> None:
        directory = taken_in(
            lead(email="ada@example.com", name="Ada", industry="互联网", message="call me"),
            lead(phone="13800138000", minutes=1),
            lead(email="ada@example.com", phone="13800138000", external_id="7", minutes=2),
        )
        said = erase(directory)
        told = [one.event for one in said if one.event is not None]
        assert {type(event) for event in told} == {LeadErased}
        assert {event.profile for event in told} == set(directory.profiles)
        assert len({event.lead for event in told}) == 1
        assert [one.key for one in said if one.event is None] == sorted(directory.leads)
        assert all(one.topic == CONTACTS.name for one in said if one.event is None)
        for left in directory.leads.values():
            assert (left.contact, left.attributes, left.external_ids) == (Contact(), {}, ())
            assert left.erased == AT
            assert left.identifiers

    def test_keeps_the_person_out_whoever_names_them(self) -> None:
        directory = taken_in(message(user="u-1", browser="b", email="ada@example.com", phone="13800138000"))
        taken_in_before = len(directory.profiles)
        erase(directory)
        for late in (
            message(user="u-1", name="Ada"),
            lead(email="ADA@example.com", name="Ada", minutes=9),
            lead(external_id="8", phone="13800138000", name="Ada", minutes=9),
            page("b", minutes=9),
            message(user="u-1", browser="another"),
        ):
            assert refusal_of(directory, late) == ERASED
        assert len(directory.profiles) == taken_in_before
        assert all(one.contact == Contact() for one in directory.leads.values())

    def test_leaves_others_alone(self) -> None:
        directory = taken_in(
            message(user="u-1", browser="b", email="ada@example.com"),
            message(user="u-2", email="bob@example.com"),
        )
        erase(directory)
        assert refusal_of(directory, message(user="u-2", browser="b", name="Bob")) is None
        bob = directory.lead_of(HASH(IdentifierKind.USER, "u-2"))
        assert bob is not None
        assert bob.contact.text("name") == "Bob"

    def test_of_somebody_unknown_suppresses_them(self) -> None:
        directory = Directory()
        said = erase(directory)
        assert [type(one.event) for one in said] == [LeadErased]
        assert refusal_of(directory, lead(email="ada@example.com")) == ERASED

    def test_answers_a_late_contact_with_a_tombstone(self) -> None:
        directory = taken_in(lead(email="ada@example.com"))
        erase(directory)
        (left,) = directory.leads.values()
        assert retell_contact(left, lives_with=left.id, at=AT).event is None

    @settings(max_examples=tried(200), deadline=None)
    @given(st.permutations(range(5)), st.integers(0, 5))
    def test_and_merges_in_any_order_leave_no_name_behind(self, order: list[int], when: int) -> None:
        messages = [
            lead(email="ada@example.com", name="Ada", minutes=1),
            lead(phone="13800138000", name="Ada", minutes=2),
            lead(external_id="7", email="ada@example.com", phone="13800138000", minutes=3),
            page("b", minutes=4),
            message(browser="b", email="ada@example.com", minutes=5),
        ]
        directory = Directory()
        for place, number in enumerate(order):
            if place == when:
                erase(directory)
            refusal_of(directory, messages[number])
        if when == 5:
            erase(directory)
        owner = directory.lead_of(ADA)
        assert owner is not None
        assert owner.erased is not None
        for left in directory.leads.values():
            home = directory.profiles[left.id].lead
            if directory.leads[home].erased is not None:
                assert left.erased is not None
                assert left.contact == Contact()
            assert left.contact.text("email") is None

    def test_undone_by_nothing_that_is_undone(self) -> None:
        directory = taken_in(message(user="u-1", email="ada@example.com"))
        erase(directory)
        before = dict(directory.leads)
        assert refusal_of(directory, message(user="u-1", browser="new")) == ERASED
        assert directory.leads == before
        assert HASH(IdentifierKind.ANONYMOUS, "new").hash not in directory.profiles_of_identifiers


class TestNaming:
    naming = PersonNaming(rules=RULEBOOK.identity, hash_identifier=HASH)

    @pytest.mark.parametrize(
        ("person", "identifier"),
        [
            ({"email": " Ada@Example.com"}, ADA),
            ({"phone": "138 0013 8000"}, HASH(IdentifierKind.PHONE, "+8613800138000")),
            ({"source": "crm", "external_id": "7"}, HASH(IdentifierKind.EXTERNAL, "crm\x1f7")),
            ({"lead": "a" * 32}, Identifier(IdentifierKind.LEAD, "a" * 32)),
        ],
    )
    def test_is_as_messages_name_people(self, person: dict[str, str], identifier: Identifier) -> None:
        assert self.naming.find_identifier(PersonIn(**person)) == identifier

    @pytest.mark.parametrize(
        "person",
        [
            {},
            {"source": "crm"},
            {"external_id": "7"},
            {"email": "a@b.cn", "phone": "1"},
            {"email": "a@b.cn", "source": "x"},
        ],
    )
    def test_in_no_way_or_in_several_is_refused(self, person: dict[str, str]) -> None:
        with pytest.raises(PersonUnnamed):
            self.naming.find_identifier(PersonIn(**person))

    @pytest.mark.parametrize(
        "person",
        [
            {"email": "info@example.com"},
            {"email": "no"},
            {"phone": "12"},
            {"lead": "x"},
            {"source": "crm", "external_id": "null"},
        ],
    )
    def test_of_nobody_in_particular_is_refused(self, person: dict[str, str]) -> None:
        with pytest.raises(NamesNobody):
            self.naming.find_identifier(PersonIn(**person))


class TestNeedles:
    def test_find_the_person_in_bytes_however_they_are_written(self) -> None:
        (one,) = taken_in(lead(email="ada@example.com", phone="13800138000")).leads.values()
        needles = needles_of([one])
        for content in (
            b'{"e":"ADA@Example.com"}',
            b"e=ada%40example.com",
            b"tel=13800138000",
            b"+8613800138000",
            b'{"tel": "+86 (138) 0013-8000"}',
            b"tel=138%200013%208000",
        ):
            assert holds_any(content, needles)
        assert not holds_any(b'{"e":"bob@example.com","tel":"13900139000"}', needles)
        assert not holds_any(b'{"a": 138, "b": 0013, "c": 8000}', needles)

    def test_are_none_for_somebody_without_address_or_number(self) -> None:
        (one,) = taken_in(message(user="u", name="Ada")).leads.values()
        assert needles_of([one]) == []
        assert Told("Ada", RECEIVED, "website") in one.contact.known.values()
