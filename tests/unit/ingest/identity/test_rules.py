"""The document of identity: every number of it, and what it does.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.ingest.domain.directory import Lead
from services.ingest.domain.identifiers import IdentifierKind, identifier_hasher
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.intake import Intake
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import IntakeHandler
from services.ingest.store.documents import read_rulebook
from shared.contracts.events import behaviour, contacts, leads
from shared.contracts.events.raw import RawReceived
from shared.documents.faults import DocumentFaults
from tests.unit.ingest.requests import IDENTITY_KEY, ROOT, RULEBOOK, make_reader
from tests.unit.ingest.shelf import Shelf
from tests.unit.ingest.test_identity import READER, lead, lead_ids, message, names, page, resolve_all

FAMILY = "13800138000"
RULES = RULEBOOK.matching


class TestTheDocument:
    def test_i4_ships_these_numbers(self) -> None:
        assert (
            MatchRules(
                identifiers_per_person={
                    "external": 20,
                    "user": 1,
                    "email": 5,
                    "phone": 5,
                    "number_and_name": 20,
                },
                profiles_per_person=100,
                people_per_number=5,
                same_form_seconds=300,
            )
            == RULES
        )
        assert [kind.value for kind in RULEBOOK.identity.priorities] == ["external", "user", "email", "phone"]

    def test_i4_knows_what_identifies_nobody(self) -> None:
        rules = RULEBOOK.identity
        assert {"null", "anonymous", "undefined", "n/a"} <= rules.blocked
        assert {"info", "test", "noreply", "sales"} <= rules.role_names
        assert "mailinator.com" in rules.disposable_domains

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("priorities: [external, user, email, phone]", "priorities: [email, phone]", "priorities"),
            ("user: 1, ", "", "identifiers_per_person.user"),
            ("user: 1, ", "user: 1, cookie: 3, ", "identifiers_per_person.cookie"),
            ("people_per_number: 5", "people_per_number: 0", "people_per_number"),
        ],
    )
    def test_that_is_wrong_says_where(self, tmp_path: Path, old: str, new: str, told: str) -> None:
        shutil.copytree(ROOT / "config" / "ingest", tmp_path / "ingest")
        path = tmp_path / "ingest" / "identity.yaml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        with pytest.raises(DocumentFaults, match=told):
            read_rulebook(tmp_path / "ingest", default_region="CN")

    def test_says_which_identifier_decides(self) -> None:
        """With e-mail before user id, whoever has the address is found by it."""
        first = msgspec.structs.replace(
            RULEBOOK.identity,
            priorities=(
                *(IdentifierKind.EMAIL, IdentifierKind.EXTERNAL),
                *(IdentifierKind.USER, IdentifierKind.PHONE),
            ),
        )
        reader = make_reader(msgspec.structs.replace(RULEBOOK, identity=first))
        ours, theirs = (_kinds(one) for one in (READER, reader))
        assert ours == ["user", "email", "phone", "number_and_name"]
        assert theirs == ["email", "user", "phone", "number_and_name"]


def _kinds(reader: RawReader) -> list[str]:
    intake = reader.on_raw_received(_raw(), record_id="0" * 32, received=0)
    assert isinstance(intake, Intake)
    return [one.kind.value for one in intake.anchors]


def _raw() -> RawReceived:
    body = {"userId": "u", "traits": {"email": "a@example.com", "phone": FAMILY, "name": "Ada"}}
    return RawReceived(
        source="website", channel="sdk", kind="identify", body=msgspec.json.encode(body).decode()
    )


class TestALimit:
    @pytest.mark.parametrize("kind", ["external", "email", "phone"])
    def test_i4_of_identifiers_is_told_and_kept(self, kind: str) -> None:
        limit = RULES.limit_of(kind)
        shelf = Shelf()
        for number in range(limit + 1):
            one: dict[str, Any] = {
                "external": {"external_id": f"x-{number}"},
                "email": {"email": f"a{number}@example.com"},
                "phone": {"phone": f"1380013800{number}"},
            }[kind]
            shelf.resolve([message(user="u", **one) if kind != "external" else _external(number)])
        (row,) = shelf.leads.values()
        assert len(msgspec.json.decode(row, type=Lead).held(kind)) == limit
        assert shelf.reasons() == ["too_many_identifiers"]

    def test_i4_of_user_ids_makes_another_person(self) -> None:
        shelf, said = resolve_all(message(user="u1", email="a@x.com"), message(user="u2", email="a@x.com"))
        assert len(set(lead_ids(said))) == 2
        assert shelf.reasons() == ["user_ids_differ"]

    def test_i4_of_profiles_stops_merging(self) -> None:
        """Three leads may become one here; the fourth is not merged, and somebody is asked."""
        rules = msgspec.structs.replace(RULES, profiles_per_person=3)
        handler = IntakeHandler(rules, hash_identifier=identifier_hasher(IDENTITY_KEY))
        shelf = Shelf(handler.on_intake)
        for number in range(4):
            shelf.resolve([lead(email=f"a{number}@example.com", minutes=number)])
        for number in range(1, 4):
            shelf.resolve(
                [message(user="u", email="a0@example.com"), message(user="u", email=f"a{number}@example.com")]
            )
        assert len(shelf.people()) == 2
        assert shelf.reasons() == ["too_many_profiles"]


def _external(number: int) -> Intake:
    return lead(external_id=f"x-{number}", email="ada@example.com", minutes=number)


class TestAFamilysNumber:
    def test_knows_each_by_name(self) -> None:
        shelf, said = resolve_all(
            lead(phone=FAMILY, name="Ada"),
            lead(phone=FAMILY, name="Bob", minutes=1),
            lead(phone=FAMILY, name="bob ", title="CEO", minutes=2),
            lead(phone=FAMILY, name="Ada", title="CEO", minutes=3),
        )
        first, second, third, fourth = (one[0].subject for one in said)
        assert (first, second) == (fourth, third)
        assert first != second
        assert shelf.reasons() == ["names_differ"]

    def test_reaches_each_of_them(self) -> None:
        _, said = resolve_all(lead(phone=FAMILY, name="Ada"), lead(phone=FAMILY, name="Bob", minutes=1))
        captured = [one.event for emissions in said for one in emissions]
        assert [one.reachable for one in captured if isinstance(one, leads.LeadCaptured)] == [True, True]
        assert [one.phone for one in captured if isinstance(one, contacts.ContactUpdated)] == [
            f"+86{FAMILY}"
        ] * 2

    def test_that_comes_without_a_name_is_the_first_ones(self) -> None:
        _, said = resolve_all(
            lead(phone=FAMILY, name="Ada"),
            lead(phone=FAMILY, name="Bob", minutes=1),
            lead(phone=FAMILY, title="CEO", minutes=2),
        )
        assert said[2][0].subject == said[0][0].subject

    def test_of_a_sixth_is_a_switchboards_and_is_told_once(self) -> None:
        people = ["Ada", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus"]
        shelf, said = resolve_all(
            *[lead(phone=FAMILY, name=name, minutes=n) for n, name in enumerate(people)],
            lead(phone=FAMILY, name="Gus", title="CEO", minutes=9),
        )
        assert len(shelf.people()) == len(people)
        assert shelf.reasons() == ["names_differ"] * 4 + ["switchboard"]
        reachable = [e.event.reachable for s in said for e in s if isinstance(e.event, leads.LeadCaptured)]
        assert reachable == [True] * 5 + [False] * 2
        assert said[7][0].subject == said[6][0].subject, "by number and name"

    def test_of_a_switchboard_joins_nobody(self) -> None:
        people = ["Ada", "Bob", "Cid", "Dan", "Eve"]
        shelf, _ = resolve_all(
            *[lead(phone=FAMILY, name=name, minutes=n) for n, name in enumerate(people)],
            lead(email="x@example.com", minutes=7),
            lead(email="x@example.com", phone=FAMILY, minutes=8),
        )
        assert len(shelf.people()) == 6
        assert "switchboard" in shelf.reasons()

    @pytest.mark.parametrize(
        "other", ["ada lovelace", "Lovelace, Ada", "Ms. Ada Lovelace", "Ada  LOVELACE", "Adá Lovelace"]
    )
    def test_knows_a_name_in_other_spellings(self, other: str) -> None:
        _, said = resolve_all(
            lead(phone=FAMILY, name="Ada Lovelace"), lead(phone=FAMILY, name=other, title="CEO", minutes=1)
        )
        assert said[0][0].subject == said[1][0].subject


class TestABrowser:
    def test_with_two_addresses_is_two_people(self) -> None:
        shelf, said = resolve_all(
            message(browser="a", email="ada@example.com"), message(browser="a", email="bob@example.com")
        )
        assert len(set(lead_ids(said))) == 2
        assert shelf.reasons() == [], "two people at one browser contradict nothing"

    def test_never_beats_an_address(self) -> None:
        _, said = resolve_all(
            lead(email="bob@example.com"),
            message(browser="a", email="ada@example.com"),
            message("track", browser="a", email="bob@example.com", event="Demo Requested"),
            page("a"),
        )
        assert said[2][0].subject == said[0][0].subject
        assert said[3][0].subject == said[1][0].subject

    def test_with_another_name_is_another_person(self) -> None:
        _, said = resolve_all(
            message(browser="a", phone=FAMILY, name="Ada"),
            message(browser="a", email="bob@example.com", name="Bob"),
        )
        assert len(set(lead_ids(said))) == 2

    def test_carries_what_was_done_before_to_one_lead_only_under_its_own_ids(self) -> None:
        shelf, said = resolve_all(
            page("a", messageId="m-1"),
            message(browser="a", email="ada@example.com"),
            message(browser="a", email="bob@example.com"),
        )
        visit = said[0][0].event
        assert isinstance(visit, behaviour.PageViewed)
        assert visit.message_id == "m-1"
        assert said[1][0].subject == visit.profile == said[0][0].subject
        assert said[2][0].subject != said[0][0].subject
        assert names(said[2])[0] == "LeadCaptured"
        assert len(shelf.people()) == 2
