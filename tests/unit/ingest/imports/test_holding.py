"""Leads that an import of history brought are held, and who releases them (I11)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.ingest.domain.intake import Intake
from services.ingest.handlers.reading import RELEASE_KIND, RequestContext
from shared.contracts.events import contacts, leads
from shared.contracts.events.raw import RawReceived
from shared.kernel.changes import Emission
from tests.unit.ingest.requests import RECEIVED
from tests.unit.ingest.shelf import Shelf
from tests.unit.ingest.test_identity import READER, message, page
from tests.unit.ingest.test_identity import lead as native
from tests.unit.ingest.test_unmerging import House

EMAIL, PHONE = "ada@example.com", "13800138000"


def imported(
    *, history: bool = True, channel: Any = "lead", import_id: str = "imp-1", minutes: int = 0, **fields: Any
) -> Intake:
    """Return a row of a table; ``owner`` and ``status`` stand beside it."""
    beside = {name: fields.pop(name) for name in ("owner", "status") if name in fields}
    context = RequestContext(import_id=import_id, is_history=history, **beside)
    return _read(channel, channel, fields, context, minutes=minutes)


def release(lead_id: str, *, import_id: str = "imp-1") -> Intake:
    context = RequestContext(release=import_id)
    return _read("lead", RELEASE_KIND, {"lead_id": lead_id}, context, is_internal=True)


def _read(
    channel: Any,
    kind: str,
    fields: dict[str, Any],
    context: RequestContext,
    *,
    minutes: int = 0,
    is_internal: bool = False,
) -> Intake:
    raw = RawReceived(
        source="crm",
        channel=channel,
        kind=kind,
        body=msgspec.json.encode(fields).decode(),
        batch_context=msgspec.json.encode(context).decode(),
        is_internal=is_internal,
    )
    received = RECEIVED + minutes * 60_000_000
    intake = READER.on_raw_received(raw, record_id=f"{minutes:032x}", received=received)
    assert isinstance(intake, Intake)
    return intake


def told(said: list[Emission], kind: type[Any]) -> list[Any]:
    return [one.event for one in said if isinstance(one.event, kind)]


def take(shelf: Shelf, *intakes: Intake) -> list[Emission]:
    return [one for intake in intakes for one in shelf.resolve([intake])[0]]


def test_i11_a_history_import_holds_whoever_is_new_with_owner_and_status() -> None:
    (captured,) = told(
        take(Shelf(), imported(email=EMAIL, owner="rep-2", status="contacted")), leads.LeadCaptured
    )
    assert captured.held == leads.Held(import_id="imp-1", owner="rep-2", status="contacted")


def test_i11_an_import_of_new_rows_holds_nobody() -> None:
    (captured,) = told(take(Shelf(), imported(email=EMAIL, history=False)), leads.LeadCaptured)
    assert captured.held is None


def test_i11_whoever_is_known_already_is_not_held_again() -> None:
    shelf = Shelf()
    said = take(shelf, native(email=EMAIL), imported(email=EMAIL, industry="互联网"))
    (captured,) = told(said, leads.LeadCaptured)
    assert captured.held is None
    assert told(take(shelf, page("b"), message(browser="b", email=EMAIL)), leads.LeadReleased) == []


def test_i11_what_a_system_reports_and_further_rows_of_history_release_nobody() -> None:
    shelf = Shelf()
    said = take(
        shelf,
        imported(email=EMAIL, external_id="7"),
        imported(email=EMAIL, external_id="7", title="CEO", import_id="imp-2"),
        imported(channel="event", event="Live Event Attended", live_event="expo", email=EMAIL),
        native(email=EMAIL, industry="互联网"),
        message(user="u", email=EMAIL),
        message("track", user="u", event="Unsubscribed", properties={"delivery_channel": "email"}),
    )
    assert told(said, leads.LeadReleased) == []
    assert len(told(said, leads.LeadCaptured)) == 1


def test_i11_what_a_held_person_does_themselves_releases_them_once() -> None:
    shelf = Shelf()
    take(shelf, imported(email=EMAIL))
    (released,) = told(
        take(shelf, message("track", user="u", email=EMAIL, event="Demo Requested")), leads.LeadReleased
    )
    assert (released.import_id, released.reason) == ("imp-1", "own_act")
    assert released.profile == released.lead
    assert told(take(shelf, page("x", user="u")), leads.LeadReleased) == []


def test_i11_a_table_that_brings_a_held_person_as_new_releases_them() -> None:
    shelf = Shelf()
    (captured,) = told(take(shelf, imported(email=EMAIL)), leads.LeadCaptured)
    (released,) = told(
        take(shelf, imported(email=EMAIL, history=False, import_id="imp-2")), leads.LeadReleased
    )
    assert (released.lead, released.reason) == (captured.lead, "imported_as_new")


def test_i11_a_release_ends_only_what_its_own_import_holds_and_only_once() -> None:
    shelf = Shelf()
    (captured,) = told(take(shelf, imported(email=EMAIL)), leads.LeadCaptured)
    assert take(shelf, release(captured.lead, import_id="imp-2")) == []
    (released,) = take(shelf, release(captured.lead))
    assert isinstance(released.event, leads.LeadReleased)
    assert (released.event.reason, released.key) == ("released", captured.profile)
    assert take(shelf, release(captured.lead)) == []


def test_i11_a_message_of_anybody_else_releases_nobody_by_name() -> None:
    raw = RawReceived(source="crm", channel="lead", kind=RELEASE_KIND, body='{"lead_id": "' + "a" * 32 + '"}')
    reading = READER.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
    assert not isinstance(reading, Intake)


@pytest.mark.parametrize("known_first", [True, False])
def test_i11_a_held_person_who_turns_out_to_be_known_is_held_no_more(known_first: bool) -> None:
    shelf = Shelf()
    rows = [native(email=EMAIL), imported(phone=PHONE)]
    take(shelf, *(rows if known_first else rows[::-1]))
    said = take(shelf, imported(email=EMAIL, phone=PHONE, minutes=2))
    (moved,), (released,) = told(said, leads.LeadMerged), told(said, leads.LeadReleased)
    assert released.reason == "merged"
    assert released.lead == moved.lead
    assert told(take(shelf, message("track", user="u", email=EMAIL, event="x")), leads.LeadReleased) == []


def test_i11_two_held_people_who_turn_out_to_be_one_stay_held_and_are_released_together() -> None:
    shelf = Shelf()
    take(shelf, imported(email=EMAIL), imported(phone=PHONE, import_id="imp-2"))
    said = take(shelf, imported(email=EMAIL, phone=PHONE, minutes=2))
    (moved,) = told(said, leads.LeadMerged)
    assert told(said, leads.LeadReleased) == []
    released = told(
        take(shelf, message("track", user="u", email=EMAIL, event="Demo Requested")), leads.LeadReleased
    )
    assert {one.import_id for one in released} == {"imp-1", "imp-2"}
    assert {one.profile for one in released} == {moved.lead, moved.from_lead}


def test_i11_an_unmerge_leaves_each_with_what_held_them() -> None:
    house = House(
        imported(email="a@example.com"),
        imported(phone=PHONE, import_id="imp-2", minutes=1),
        imported(email="a@example.com", phone=PHONE, minutes=5),
    )
    gone = house.merged_away()
    house.unmerge(gone)
    held = {lead.id: lead.holds for lead in house.people()}
    assert {len(one) for one in held.values()} == {1}
    assert all(list(holds) == [lead] for lead, holds in held.items())


def test_i11_the_story_says_what_holds_a_lead_and_what_released_it() -> None:
    from services.ingest.domain.directory import Directory
    from services.ingest.handlers.story import tell_story
    from tests.unit.ingest.requests import on_intake

    directory = Directory()
    texts = []
    for intake in (imported(email=EMAIL), message("track", user="u", email=EMAIL, event="Demo Requested")):
        emissions = on_intake(directory, intake)
        texts += [row.text for row in tell_story(directory, intake, emissions, cause="c" * 32)]
    assert any("held by import imp-1" in text for text in texts)
    assert any("import imp-1 holds it no longer: own act" in text for text in texts)


def test_i11_a_table_of_suppressions_makes_nobody_a_lead_and_is_remembered_when_they_become_one() -> None:
    shelf = Shelf()
    suppression = imported(
        channel="event",
        event="Unsubscribed",
        lead={"email": EMAIL},
        properties={"delivery_channel": "email"},
    )
    before = take(shelf, suppression)
    assert told(before, leads.LeadCaptured) == []
    said = take(shelf, imported(email=EMAIL, import_id="imp-2", owner="rep-1", minutes=1))
    (captured,), (contact,) = told(said, leads.LeadCaptured), told(before, contacts.ContactUpdated)
    assert captured.held == leads.Held(import_id="imp-2", owner="rep-1")
    assert contact.consents == {"email": False}
