"""Whose a message is, and which leads are one."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.directory import Lead, Profile
from services.ingest.domain.intake import Intake
from shared.contracts.events import behaviour, contacts, leads
from shared.contracts.events.raw import RawReceived
from shared.contracts.topics import CONTACTS
from shared.kernel.changes import Emission
from tests.examples import tried
from tests.unit.ingest.requests import RECEIVED, make_reader, on_intake
from tests.unit.ingest.shelf import Shelf

READER = make_reader()


def message(kind: str = "identify", *, minutes: int = 0, **fields: Any) -> Intake:
    """Return a call of the SDK protocol; e-mail, phone, name and title are traits."""
    traits = {name: fields.pop(name) for name in ("email", "phone", "name", "title") if name in fields}
    body = {
        "userId": fields.pop("user", None),
        "anonymousId": fields.pop("browser", None),
        "context": {"traits": traits},
        **fields,
    }
    raw = RawReceived(source="website", channel="sdk", kind=kind, body=msgspec.json.encode(body).decode())
    received = RECEIVED + minutes * 60_000_000
    intake = READER.on_raw_received(raw, record_id="0" * 32, received=received)
    assert isinstance(intake, Intake)
    return intake


def lead(*, minutes: int = 0, source: str = "crm", **fields: Any) -> Intake:
    raw = RawReceived(source=source, channel="lead", kind="lead", body=msgspec.json.encode(fields).decode())
    received = RECEIVED + minutes * 60_000_000
    intake = READER.on_raw_received(raw, record_id=f"{minutes:032x}", received=received)
    assert isinstance(intake, Intake)
    return intake


def page(browser: str, *, path: str = "/pricing", minutes: int = 0, **fields: Any) -> Intake:
    return message("page", browser=browser, properties={"path": path}, minutes=minutes, **fields)


def resolve_all(*intakes: Intake) -> tuple[Shelf, list[list[Emission]]]:
    shelf = Shelf()
    return shelf, [shelf.resolve([intake])[0] for intake in intakes]


def lead_ids(said: list[list[Emission]]) -> list[str]:
    """Return, per message that made us say anything, the lead that its last word was about."""
    events = [[one for one in emissions if one.event is not None] for emissions in said]
    return [emissions[-1].subject for emissions in events if emissions]


def names(emissions: list[Emission]) -> list[str]:
    return [type(one.event).__name__ for one in emissions]


class TestAVisitor:
    def test_is_a_lead_of_their_own_before_they_are_known(self) -> None:
        _, said = resolve_all(page("a"))
        (only,) = said[0]
        assert isinstance(only.event, behaviour.PageViewed)
        assert only.key == only.subject == only.event.lead == only.event.profile
        assert only.event.kind == "price"

    def test_stays_the_same_lead_when_they_say_who_they_are(self) -> None:
        _, said = resolve_all(page("a"), message(browser="a", email="ada@example.com", name="Ada"))
        assert names(said[1]) == ["LeadCaptured", "ContactUpdated"]
        assert said[1][0].subject == said[0][0].subject
        captured = said[1][0].event
        assert isinstance(captured, leads.LeadCaptured)
        assert captured.reachable
        assert captured.missing == ["company", "title"]

    def test_joins_the_lead_that_they_turn_out_to_be(self) -> None:
        _, said = resolve_all(
            lead(email="ada@example.com"), page("a"), message(browser="a", email="ada@example.com")
        )
        first, visitor = said[0][0].subject, said[1][0].subject
        moved = said[2][0].event
        assert isinstance(moved, leads.LeadMerged)
        assert moved.lead == min(first, visitor)
        assert moved.from_lead == max(first, visitor)
        assert moved.profile == max(first, visitor)
        assert (moved.version, moved.reason) == (1, "anonymous")

    def test_who_identifies_as_a_second_person_in_one_browser_is_two_people(self) -> None:
        shelf, said = resolve_all(
            message(browser="a", email="ada@example.com"), message(browser="a", email="bob@example.com")
        )
        assert len(set(lead_ids(said))) == 2
        following = shelf.resolve([page("a")])[0]
        assert following[0].subject == said[0][0].subject


class TestOneLead:
    def test_is_found_again_by_each_identifier(self) -> None:
        _, said = resolve_all(
            lead(external_id="7", email="ada@example.com", phone="13800138000"),
            lead(external_id="7", title="CEO"),
            message(user="u", email="Ada@Example.com"),
            message("track", user="u", event="Demo Requested"),
            lead(phone="+86 138 0013 8000", source="form"),
        )
        assert len(set(lead_ids(said))) == 1
        assert names(said[3]) == ["DemoRequested"]
        assert said[4] == []

    def test_is_captured_once(self) -> None:
        _, said = resolve_all(*[lead(email="ada@example.com", title="CEO", minutes=n) for n in range(3)])
        assert [names(one) for one in said] == [["LeadCaptured", "ContactUpdated"], [], []]

    def test_says_only_what_changed(self) -> None:
        _, said = resolve_all(
            lead(email="ada@example.com", title="CEO", industry="软件"),
            lead(email="ada@example.com", title="CEO", industry="教育", minutes=1),
        )
        changed = said[1][0].event
        assert isinstance(changed, leads.LeadChanged)
        assert changed.attributes == {"industry": "education"}

    def test_believes_the_newest_word_and_not_the_latest_arrival(self) -> None:
        shelf, _ = resolve_all(
            lead(external_id="1", industry="软件", timestamp="2026-03-01T00:00:00Z"),
            lead(external_id="1", industry="教育", timestamp="2026-01-01T00:00:00Z"),
        )
        (row,) = shelf.leads.values()
        assert msgspec.json.decode(row, type=Lead).attribute_values() == {"industry": "internet"}


class TestTwoLeads:
    def test_become_one_when_an_address_joins_them(self) -> None:
        _, said = resolve_all(
            lead(email="ada@example.com", title="CEO"),
            lead(phone="13800138000", minutes=1),
            lead(email="ada@example.com", phone="13800138000", minutes=2),
        )
        first, second = said[0][0].subject, said[1][0].subject
        assert names(said[2])[0] == "LeadMerged"
        assert said[2][0].subject == min(first, second)
        tombstones = [one for one in said[2] if one.event is None]
        assert [(one.key, one.topic) for one in tombstones] == [(max(first, second), CONTACTS.name)]
        told = said[2][-1].event
        assert isinstance(told, contacts.ContactUpdated)
        assert (told.email, told.phone) == ("ada@example.com", "+8613800138000")

    def test_with_different_user_ids_stay_two(self) -> None:
        _, said = resolve_all(
            message(user="u1", email="ada@example.com"), message(user="u2", email="ada@example.com")
        )
        assert len(set(lead_ids(said))) == 2
        assert all("LeadMerged" not in names(one) for one in said)
        captured = said[1][0].event
        assert isinstance(captured, leads.LeadCaptured)
        assert not captured.reachable, "an address belongs to one lead only"

    def test_with_different_names_are_not_joined_by_a_number_alone(self) -> None:
        _, said = resolve_all(
            lead(external_id="1", phone="13800138000", name="Ada"),
            lead(external_id="2", phone="13800138000", name="Bob", minutes=1),
        )
        assert len(set(lead_ids(said))) == 2

    def test_do_not_meet_in_the_mailbox_of_an_office(self) -> None:
        _, said = resolve_all(lead(email="info@example.com"), lead(email="info@example.com", minutes=1))
        assert len(set(lead_ids(said))) == 2

    def test_are_each_moved_whole_when_a_third_joins_them(self) -> None:
        shelf, said = resolve_all(
            lead(email="a@example.com"),
            lead(phone="13800138000", minutes=1),
            lead(external_id="x", minutes=2),
            lead(email="a@example.com", phone="13800138000", minutes=3),
            lead(external_id="x", email="a@example.com", minutes=4),
        )
        ids = {said[n][0].subject for n in range(3)}
        homes = {msgspec.json.decode(row, type=Profile).lead for row in shelf.profiles.values()}
        assert homes == {min(ids)}

    def test_say_the_contact_again_if_only_its_version_has_risen_on_the_way(self) -> None:
        """Merging brings another name in and the message the old one back: what is stored was said."""
        for number in range(20):
            address = f"ada{number}@example.com"
            shelf, said = resolve_all(
                lead(email=address, name="Ada", timestamp="2026-03-01T00:00:00Z"),
                message(browser="b", name="Bob", timestamp="2026-03-02T00:00:00Z"),
                message(browser="b", email=address, name="Ada", timestamp="2026-03-03T00:00:00Z"),
            )
            told_last = [one.event for emissions in said for one in emissions if one.event is not None][-1]
            stays = msgspec.json.decode(shelf.leads[said[2][0].subject], type=Lead)
            assert isinstance(told_last, contacts.ContactUpdated)
            assert (told_last.name, told_last.version) == ("Ada", stays.contact.version)


class TestAFactThatFails:
    def test_leaves_the_directory_as_it_was(self) -> None:
        shelf, _ = resolve_all(lead(email="a@example.com"), lead(phone="13800138000", minutes=1))
        joining = lead(email="a@example.com", phone="13800138000", title="CEO", external_id="9", minutes=2)
        directory = shelf.load(one.hash for one in joining.anchors)
        untouched = shelf.load(one.hash for one in joining.anchors)
        on_intake(directory, joining)
        assert directory.leads != untouched.leads
        directory.undo_fact()
        assert directory.leads == untouched.leads
        assert directory.profiles == untouched.profiles
        assert directory.profiles_of_identifiers == untouched.profiles_of_identifiers
        for one in untouched.leads:
            assert directory.profiles_of(one) == untouched.profiles_of(one)


people = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from(["u1", "u2", "u3"]),
        "browser": st.sampled_from(["b1", "b2", "b3"]),
        "email": st.sampled_from(["a@example.com", "b@example.com", "c@example.com", "info@example.com"]),
        "phone": st.sampled_from(["13800138000", "13900139000"]),
        "name": st.sampled_from(["Ada", "Bob"]),
        "title": st.sampled_from(["CEO", "Sales Manager", "Student"]),
    },
).filter(lambda given: any(key in given for key in ("user", "browser", "email", "phone")))
History = list[tuple[str, dict[str, str], int]]
histories = st.lists(
    st.tuples(st.sampled_from(["identify", "page"]), people, st.integers(1, 28)), min_size=1, max_size=14
)


def told(history: History) -> list[Intake]:
    """Return the messages of a history; each happened on a day of its own in February."""
    return [
        message(kind, minutes=n, timestamp=f"2026-02-{day:02d}T00:00:00Z", **given)
        for n, (kind, given, day) in enumerate(history)
    ]


class TestAnyHistory:
    @settings(max_examples=tried(120), deadline=None)
    @given(histories, st.data())
    def test_says_the_same_however_it_is_cut(self, history: History, data: st.DataObject) -> None:
        intakes = told(history)
        whole = Shelf().resolve(intakes)
        shelf, pieces, start = Shelf(), [], 0
        while start < len(intakes):
            end = data.draw(st.integers(start + 1, len(intakes)))
            pieces += shelf.resolve(intakes[start:end])
            start = end
        assert pieces == whole

    @settings(max_examples=tried(120), deadline=None)
    @given(histories)
    def test_leaves_a_directory_that_holds_together(self, history: History) -> None:
        shelf = Shelf()
        for intake in told(history):
            shelf.resolve([intake])
        profiles = {
            profile.id: profile
            for profile in (msgspec.json.decode(row, type=Profile) for row in shelf.profiles.values())
        }
        assert set(shelf.owners.values()) <= profiles.keys()
        for profile in profiles.values():
            assert profiles[profile.lead].lead == profile.lead, "a merged lead has no profiles"
        for one, row in shelf.leads.items():
            stored = msgspec.json.decode(row, type=Lead)
            if profiles[one].lead == one:
                assert len(stored.held("user")) <= 1, "two user ids are two people"
        users = [profiles[shelf.owners[h]].lead for h in owners_of_users(shelf)]
        assert len(users) == len(set(users))

    @settings(max_examples=tried(200), deadline=None)
    @given(histories)
    def test_says_of_every_contact_what_is_stored_up_to_its_version(self, history: History) -> None:
        shelf = Shelf()
        told_last: dict[str, Any] = {}
        for intake in told(history):
            for one in shelf.resolve([intake])[0]:
                if one.topic == CONTACTS.name or isinstance(one.event, contacts.ContactUpdated):
                    told_last[one.key] = one.event
        profiles = (msgspec.json.decode(row, type=Profile) for row in shelf.profiles.values())
        homes = {profile.id for profile in profiles if profile.lead == profile.id}
        stored = {one: msgspec.json.decode(row, type=Lead).contact for one, row in shelf.leads.items()}
        assert {one: event and (event.version, event.email) for one, event in told_last.items()} == {
            one: (contact.version, contact.text("email")) if one in homes else None
            for one, contact in stored.items()
            if contact.version
        }


def owners_of_users(shelf: Shelf) -> list[str]:
    known = {message(user=user).anchors[0].hash for user in ("u1", "u2", "u3")}
    return [one for one in shelf.owners if one in known]
