"""What a person says of validity in sales is a verdict for every service, said once, with who (I5, R7)."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.domain.validity.judging import WordHeard
from services.ingest.handlers.hearing import hear
from shared.contracts.envelope import decode_envelope, encode_event
from shared.contracts.events.assignments import LeadStatusChanged
from shared.kernel.instants import SECOND, Instant
from tests.unit.ingest.requests import RECEIVED
from tests.unit.ingest.test_identity import lead
from tests.unit.ingest.validity.test_judging import THROW_AWAY, House, lead_of, verdicts


def heard(**fields: Any) -> object:
    event = LeadStatusChanged(lead="ada", **fields)
    value = encode_event(
        event,
        id="1" * 32,
        source="/leadmill/routing",
        subject="ada",
        occurred=RECEIVED,
        received=RECEIVED,
        partition_key="ada",
        causation_id=None,
        correlation_id="1" * 32,
    )
    return hear(decode_envelope(value))


def say(house: House, lead_id: str, reason: str = "", *, by: str = "rep-7", at: Instant = 0) -> list[Any]:
    """Somebody in sales moves the lead's status to invalid, or without a reason from there."""
    house.number += 1
    word = WordHeard(lead_id, is_valid=not reason, reason=reason or "by_hand", by=by)
    emissions, story = house.judging.on_word_heard(
        house.directory, word, at=RECEIVED + at, cause=f"{house.number:032x}"
    )
    assert len(story) == len(emissions)
    house.check()
    return [one.event for one in emissions]


def test_only_what_a_person_moves_to_invalid_or_from_there_is_a_word() -> None:
    moved = {"from_status": "contacted", "to_status": "invalid", "reason": "spam"}
    assert heard(**moved, by="rep-7") == WordHeard("ada", is_valid=False, reason="spam", by="rep-7")
    back = {"from_status": "invalid", "to_status": "new", "reason": "by_hand"}
    assert heard(**back, by="boss") == WordHeard("ada", is_valid=True, reason="by_hand", by="boss")
    assert heard(from_status="new", to_status="interested", by="rep-7") is None


def test_what_routing_does_after_a_verdict_of_ours_is_no_word_so_that_none_echoes() -> None:
    assert heard(from_status="contacted", to_status="invalid", reason="bot") is None
    assert heard(from_status="invalid", to_status="contacted", reason="validated") is None


def test_a_reps_invalid_is_a_verdict_with_who_and_reason() -> None:
    house = House()
    ada = lead_of(house.take(lead(email="a@acme.example")))
    (said,) = say(house, ada, "no_company")
    assert (said.reason, said.rule, said.by, said.verdict) == ("no_company", "by_hand", "rep-7", 1)
    assert say(house, ada, "no_company") == [], "it is so already"
    (back,) = say(house, ada, by="boss")
    assert (back.reason, back.by, back.verdict, back.pardons) == ("by_hand", "boss", 2, False)


def test_a_reason_that_only_sales_lists_is_taken_as_it_is() -> None:
    house = House()
    ada = lead_of(house.take(lead(email="a@acme.example")))
    assert verdicts(say(house, ada, "left_the_country")) == [(True, "left_the_country", 1)]


@pytest.mark.parametrize("behind", [0, -3600 * SECOND])
def test_it_counts_above_what_was_said_before_it_was_heard_whatever_the_clocks_say(behind: Instant) -> None:
    house = House()
    eve = lead_of(house.take(lead(email=THROW_AWAY, name="Eve")))
    house.say(eve)
    assert verdicts(say(house, eve, "spam", at=behind)) == [(True, "spam", 3)]


def test_of_whoever_was_merged_away_it_holds_for_the_lead_that_they_are_part_of() -> None:
    house = House()
    mail = lead_of(house.take(lead(email="a@acme.example", external_id="1")))
    call = lead_of(house.take(lead(phone="13800138000", external_id="2", minutes=1)))
    house.take(lead(email="a@acme.example", phone="13800138000", minutes=2))
    said = say(house, max(mail, call), "spam")
    assert {(one.profile, one.lead) for one in said} == {(one, min(mail, call)) for one in (mail, call)}


def test_of_whoever_is_unknown_nothing_is_said() -> None:
    assert say(House(), "0" * 32, "spam") == []
