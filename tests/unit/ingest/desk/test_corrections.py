"""A person puts a lead right: read as everything is read, said once, with who."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.bootstrap.desk import build_correction_reader
from services.ingest.domain.desk.corrections import (
    BelongsToAnother,
    CorrectLead,
    LeadChangedMeanwhile,
    NothingToCorrect,
    NotYours,
    SaidTwice,
    StillAnonymous,
    TooManyIdentifiers,
    TooMuch,
    ValueUnknown,
)
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.identifiers import Identifier, IdentifierKind, identifier_hasher
from services.ingest.domain.identity.resolving import LeadUnknown
from services.ingest.domain.intake import Intake
from services.ingest.domain.validity.judging import InvalidateLead, ValidateLead
from services.ingest.handlers.correcting import Correction, on_correction, word_of
from services.ingest.handlers.erasing import on_erasure
from services.ingest.handlers.resolution import PersonErased
from shared.contracts.events.contacts import ContactUpdated
from shared.contracts.events.leads import LeadChanged
from tests.examples import tried
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, RULEBOOK, on_intake
from tests.unit.ingest.test_identity import lead, page

HASH = identifier_hasher(IDENTITY_KEY)
READER = build_correction_reader(RULEBOOK, hash_identifier=HASH)
HOUR = 3_600_000_000
ADA: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada",
    "industry": "制造",
    "budget": "300000",
    "title": "VP",
}


def taken_in(*intakes: Intake) -> Directory:
    directory = Directory()
    for intake in intakes:
        on_intake(directory, intake)
    return directory


def the_lead(directory: Directory, email: str = "ada@example.com") -> Lead:
    found = directory.lead_of(HASH(IdentifierKind.EMAIL, email))
    assert found is not None
    return found


def the_lead_id(directory: Directory) -> str:
    (found,) = directory.leads
    return found


def correct(
    directory: Directory, *, at: int = RECEIVED + HOUR, owned_by: str | None = None, **asked: Any
) -> Correction:
    command = READER.read(
        asked.pop("lead", "") or the_lead(directory).id, by="ann", **{"fields": {}, **asked}
    )
    return on_correction(directory, command, rules=RULEBOOK.matching, owner=owned_by, at=at, cause="c" * 32)


class TestReading:
    @pytest.mark.parametrize(
        ("given", "known"),
        [
            ({"Industry": "互联网"}, {"industry": "internet"}),
            ({"预算": "30万"}, {"budget_band": "200000_to_499999", "budget": 300_000}),
            ({"budget": "500000+"}, {"budget_band": "500000_plus", "budget": None}),
            ({"tender": "是"}, {"tender": True}),
            ({"go_live_on": "2026-03-31"}, {"go_live_on": "2026-03-31"}),
        ],
    )
    def test_takes_names_and_values_as_any_source_writes_them(
        self, given: dict[str, object], known: dict[str, object]
    ) -> None:
        command = READER.read("a" * 32, by="ann", fields=given)
        assert command.attributes.items() >= known.items()

    def test_takes_addresses_and_numbers_as_any_source_writes_them(self) -> None:
        command = READER.read(
            "a" * 32, by="ann", fields={"邮箱": " ADA@Example.com", "phone": "138 0013 8000"}
        )
        assert command.contact == {"email": "ada@example.com", "phone": "+8613800138000"}
        assert {one.kind for one in command.identifiers} == {IdentifierKind.EMAIL, IdentifierKind.PHONE}

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("industry", "knitting", "manufacturing"),
            ("stage", "lots", "evaluating"),
            ("email", "ada", "ada@example.com"),
            ("phone", "12", "+86"),
            ("go_live_on", "soon", "2026-03-31"),
            ("consent_email", "perhaps", "yes or no"),
            ("name", "  ", "remove"),
            ("time_zone", "here", "Asia/Shanghai"),
        ],
    )
    def test_refuses_what_a_field_cannot_hold_and_says_what_it_can(
        self, field: str, value: str, says: str
    ) -> None:
        with pytest.raises(ValueUnknown) as refused:
            READER.read("a" * 32, by="ann", fields={field: value})
        assert refused.value.field
        assert says in refused.value.message
        assert value.strip() == "" or value not in refused.value.message.split()

    def test_refuses_nothing_too_much_and_what_contradicts_itself(self) -> None:
        with pytest.raises(NothingToCorrect):
            READER.read("a" * 32, by="ann", fields={})
        with pytest.raises(TooMuch):
            READER.read("a" * 32, by="ann", fields={f"f{n}": "x" for n in range(51)})
        with pytest.raises(SaidTwice):
            READER.read("a" * 32, by="ann", fields={"email": "a@b.cn"}, remove=["E-Mail"])
        with pytest.raises(TooMuch):
            READER.read("a" * 32, by="ann", fields={}, put_tags=[f"tag_{n}" for n in range(21)])
        for twice in ({"put_tags": ["vip"], "take_tags": ["vip"]}, {"invalid": "spam", "valid": True}):
            with pytest.raises(SaidTwice):
                READER.read("a" * 32, by="ann", fields={}, **twice)

    def test_i10_takes_tags_and_what_is_said_of_validity_beside_fields_or_alone(self) -> None:
        command = READER.read(
            "a" * 32, by="ann", fields={}, put_tags=["vip", "vip"], take_tags=["cold"], invalid="spam"
        )
        assert (command.put_tags, command.take_tags) == (("vip",), ("cold",))
        assert word_of(command) == InvalidateLead(lead="a" * 32, reason="spam", by="ann")
        pardoned = READER.read("a" * 32, by="ann", fields={}, valid=True, pardons=True)
        assert word_of(pardoned) == ValidateLead(lead="a" * 32, by="ann", pardons=True)
        assert word_of(READER.read("a" * 32, by="ann", fields={}, note="x", pardons=True)) is None


class TestACorrection:
    def test_is_said_with_who_and_why_and_without_values_that_name_anybody(self) -> None:
        directory = taken_in(lead(**ADA))
        done = correct(
            directory,
            fields={"industry": "互联网", "name": "Ada King", "shoe_size": "38"},
            note="Ada prefers mornings",
            reason="Ada king said so, ask ada@example.com",
        )
        event, contact = [one.event for one in done.emissions]
        assert isinstance(event, LeadChanged)
        assert (event.by, event.source, event.attributes) == ("ann", "correction", {"industry": "internet"})
        assert event.corrected == ["free_text", "industry", "name", "note"]
        assert event.reason == "- said so, ask -"
        assert "ada" not in str(event).lower()
        assert isinstance(contact, ContactUpdated)
        assert (contact.name, contact.free_text["shoe_size"]) == ("Ada King", "38")
        (line,) = done.story
        assert line.text.startswith("corrected by ann; free_text, industry=internet, name, note")
        assert "King" not in line.text
        assert done.note is not None
        assert (done.note.by, done.note.text) == ("ann", "Ada prefers mornings")

    def test_of_what_is_so_already_says_nothing(self) -> None:
        directory = taken_in(lead(**ADA))
        done = correct(directory, fields={"industry": "manufacturing", "name": "Ada"}, remove=["phone", "x"])
        assert (done.corrected, done.emissions, done.story) == ([], [], [])
        assert the_lead(directory).contact.version == 1

    def test_takes_a_value_away_for_everybody_and_an_older_word_does_not_bring_it_back(self) -> None:
        directory = taken_in(lead(**ADA))
        done = correct(directory, remove=["budget", "email", "title"])
        event, contact = [one.event for one in done.emissions]
        assert isinstance(event, LeadChanged)
        assert event.attributes == {"budget": None, "budget_band": None}
        assert event.reachable is False
        assert isinstance(contact, ContactUpdated)
        assert (contact.email, contact.free_text) == (None, {"industry": "制造"})
        now = the_lead(directory)
        assert not now.is_reachable
        assert "contact" in now.missing
        on_intake(directory, lead(**ADA, minutes=-5))
        assert not the_lead(directory).is_reachable
        on_intake(directory, lead(**ADA, minutes=90))
        assert the_lead(directory).is_reachable, "what is said later counts again"

    def test_survives_a_merge_while_it_is_the_newest_word(self) -> None:
        directory = taken_in(
            lead(**ADA), lead(phone="13800138000", name="Ada", industry="教育", external_id="7", minutes=1)
        )
        correct(directory, fields={"industry": "pharma"}, remove=["title"])
        on_intake(directory, lead(email="ada@example.com", phone="13800138000", minutes=2))
        merged = the_lead(directory)
        assert len(directory.profiles_of(merged.id)) == 2
        assert merged.attributes["industry"].value == "pharma"
        assert merged.contact.texts() == {"industry": "教育"}

    def test_named_by_an_id_that_was_merged_away_finds_the_one_that_stayed(self) -> None:
        directory = taken_in(
            lead(email="ada@example.com"),
            lead(phone="13800138000", minutes=1),
            lead(email="ada@example.com", phone="13800138000", minutes=2),
        )
        stays = the_lead(directory).id
        (gone,) = {one.id for one in directory.profiles_of(stays)} - {stays}
        done = correct(directory, lead=gone, fields={"name": "Ada"})
        assert done.lead.id == stays
        assert done.emissions[0].key == gone
        assert done.emissions[0].subject == stays

    def test_gives_an_address_that_is_nobodys_to_this_person(self) -> None:
        directory = taken_in(lead(**ADA))
        correct(directory, fields={"email": "ada.king@example.com"})
        later = lead(email="ada.king@example.com", name="Ada King", minutes=90)
        on_intake(directory, later)
        assert the_lead(directory, "ada.king@example.com") is the_lead(directory)

    def test_does_not_take_an_address_from_somebody_else_and_changes_nothing(self) -> None:
        directory = taken_in(lead(**ADA), lead(email="bob@example.com", minutes=1))
        before = the_lead(directory)
        with pytest.raises(BelongsToAnother) as refused:
            correct(directory, fields={"name": "Bob", "email": "bob@example.com"})
        assert the_lead(directory, "bob@example.com").id in refused.value.message
        assert refused.value.field == "email"
        directory.undo_fact()
        assert the_lead(directory) == before

    def test_is_refused_where_there_is_nobody_to_correct(self) -> None:
        directory = taken_in(lead(**ADA), page("b"))
        with pytest.raises(LeadUnknown):
            correct(directory, lead="0" * 32, note="x")
        visitor = directory.lead_of(HASH(IdentifierKind.ANONYMOUS, "b"))
        assert visitor is not None
        with pytest.raises(StillAnonymous):
            correct(directory, lead=visitor.id, note="x")
        with pytest.raises(LeadChangedMeanwhile):
            correct(directory, note="x", version=the_lead(directory).version + 1)
        on_erasure(directory, the_lead(directory).id, at=RECEIVED, cause="e" * 32)
        with pytest.raises(PersonErased):
            correct(directory, note="x")

    @pytest.mark.parametrize(
        ("kind", "field", "values"),
        [
            ("email", "email", [f"ada{n}@example.com" for n in range(9)]),
            ("phone", "phone", [f"1380013800{n}" for n in range(9)]),
        ],
    )
    def test_i4_adds_no_more_identifiers_than_one_person_may_have(
        self, kind: str, field: str, values: list[str]
    ) -> None:
        directory = taken_in(lead(**ADA))
        limit = RULEBOOK.matching.limit_of(kind)
        known = len(the_lead(directory).held(kind))
        for number, value in enumerate(values[: limit - known]):
            at = RECEIVED + (number + 1) * HOUR
            assert correct(directory, lead=the_lead_id(directory), fields={field: value}, at=at).corrected
        one_more = values[limit - known]
        before = directory.leads[the_lead_id(directory)]
        with pytest.raises(TooManyIdentifiers) as refused:
            correct(directory, lead=the_lead_id(directory), fields={field: one_more}, at=RECEIVED + 9 * HOUR)
        assert (refused.value.field, str(limit) in refused.value.message) == (kind, True)
        assert directory.leads[the_lead_id(directory)] == before
        assert (
            directory.lead_of(READER.read("a" * 32, by="", fields={field: one_more}).identifiers[0]) is None
        )
        # what the person is known by already may be said again
        again = correct(
            directory, lead=the_lead_id(directory), fields={field: values[0]}, at=RECEIVED + 9 * HOUR
        )
        assert again.corrected == [field]

    def test_by_a_rep_is_of_their_own_leads_only(self) -> None:
        directory = taken_in(lead(**ADA))
        with pytest.raises(NotYours):
            correct(directory, note="x", owner="rep-1", owned_by="rep-2")
        with pytest.raises(NotYours):
            correct(directory, note="x", owner="rep-1", owned_by=None)
        assert correct(directory, note="x", owner="rep-1", owned_by="rep-1").corrected == ["note"]

    @settings(max_examples=tried(80), deadline=None)
    @given(st.permutations(range(5)))
    def test_among_messages_ends_the_same_in_any_order_of_arrival(self, order: list[int]) -> None:
        words: list[Intake | int] = [
            lead(**ADA, minutes=0),
            lead(email="ada@example.com", industry="教育", name="A. King", minutes=30),
            60,
            lead(email="ada@example.com", industry="retail", minutes=90),
            120,
        ]
        directory = taken_in(lead(email="ada@example.com", minutes=-10))
        for number in order:
            word = words[number]
            if isinstance(word, int):
                at = RECEIVED + word * 60_000_000
                asked: dict[str, Any] = {"fields": {"industry": "pharma"}, "remove": ["name"]}
                correct(directory, at=at, **(asked if word == 60 else {"fields": {"title": "CTO"}}))
            else:
                on_intake(directory, word)
        now = the_lead(directory)
        assert now.attributes["industry"].value == "retail"
        assert now.contact.text("name") is None
        assert now.contact.text("email") == "ada@example.com"
        assert now.contact.texts()["title"] == "CTO"


def test_a_command_says_who_asked_and_survives_its_journey() -> None:
    import msgspec

    command = READER.read("a" * 32, by="ann", fields={"email": "a@b.cn"}, version=3, owner="rep-1")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=CorrectLead) == command
    assert command.identifiers == (
        Identifier(IdentifierKind.EMAIL, HASH(IdentifierKind.EMAIL, "a@b.cn").hash),
    )
