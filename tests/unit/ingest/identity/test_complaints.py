"""What users of other products complain of, each held here; the threads are named beside them.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.domain.identifiers import IdentifierKind
from shared.contracts.events import behaviour, leads
from tests.unit.ingest.test_identity import lead, message, names, page, resolve_all
from tests.unit.ingest.test_outcomes import outcome

ADA, BOB = "ada@example.com", "bob@example.com"


def test_mautic_16425_the_known_contact_wins_and_its_id_stays() -> None:
    """An anonymous visitor who turns out to be known never renames the contact: one id stays for both."""
    _, said = resolve_all(lead(email=ADA, external_id="7"), page("a"), message(browser="a", email=ADA))
    known, visitor = said[0][0].subject, said[1][0].subject
    moved = said[2][0].event
    assert isinstance(moved, leads.LeadMerged)
    assert {moved.lead, moved.from_lead} == {known, visitor}
    _, again = resolve_all(
        lead(email=ADA, external_id="7"),
        page("a"),
        message(browser="a", email=ADA),
        lead(external_id="7", title="CEO"),
    )
    assert again[3][0].subject == moved.lead, "by its own id the contact is found as before"


def test_mautic_1256_one_address_of_a_network_never_joins_people() -> None:
    assert "ip" not in {kind.value for kind in IdentifierKind}
    _, said = resolve_all(page("a"), page("b"))
    assert said[0][0].subject != said[1][0].subject


def test_mautic_928_a_colleague_at_the_same_browser_does_not_take_over_the_contact() -> None:
    _, said = resolve_all(
        message(browser="a", email=ADA, name="Ada"),
        message(browser="a", email=BOB, name="Bob"),
        message(browser="a", email=ADA, name="Ada", title="CEO"),
    )
    assert said[2][0].subject == said[0][0].subject != said[1][0].subject


def test_mautic_3108_a_form_about_somebody_else_leaves_the_first_as_they_were() -> None:
    shelf, said = resolve_all(
        message(browser="a", email=ADA, name="Ada"), message(browser="a", email=BOB, name="Bob")
    )
    assert "LeadChanged" not in names(said[1])
    assert len(shelf.people()) == 2


def test_mautic_5392_two_leads_that_meet_are_one_and_say_so_once() -> None:
    _, said = resolve_all(
        lead(email=ADA), lead(phone="13800138000", minutes=1), lead(email=ADA, phone="13800138000", minutes=2)
    )
    assert names(said[2]).count("LeadMerged") == 1
    assert "LeadCaptured" not in names(said[2])


def test_mautic_2176_what_was_done_before_the_form_stays_with_the_lead() -> None:
    _, said = resolve_all(page("a"), page("a", path="/demo"), message(browser="a", email=ADA))
    assert {one[0].subject for one in said} == {said[0][0].subject}
    assert all(isinstance(one[0].event, behaviour.PageViewed) for one in said[:2])


def test_mautic_7466_a_merge_says_that_it_is_one_and_deletes_nobody() -> None:
    """The lead that goes is moved, profile by profile; nothing is said to be erased."""
    _, said = resolve_all(
        lead(email=ADA), lead(phone="13800138000", minutes=1), lead(email=ADA, phone="13800138000", minutes=2)
    )
    assert "LeadErased" not in {name for one in said for name in names(one)}
    assert [one.event for one in said[2] if isinstance(one.event, leads.LeadMerged)]


def test_mautic_6079_the_cookie_of_the_lead_that_went_finds_the_one_that_stayed() -> None:
    _, said = resolve_all(
        message(browser="old", phone="13800138000"),
        lead(email=ADA, minutes=1),
        lead(email=ADA, phone="13800138000", minutes=2),
        page("old", minutes=3),
    )
    stays = said[2][0].subject
    assert said[3][0].subject == stays


@pytest.mark.parametrize("shared", [{"email": ADA}, {"phone": "13800138000"}])
def test_frappe_302_and_2565_the_same_address_or_number_is_the_same_lead(shared: dict[str, Any]) -> None:
    _, said = resolve_all(
        lead(**shared, source="site"), lead(**shared, source="fair", title="CEO", minutes=1)
    )
    assert said[0][0].subject == said[1][0].subject


def test_frappe_1296_two_campaigns_bring_one_person_once() -> None:
    _, said = resolve_all(
        lead(email=ADA, utm_source="google", utm_campaign="spring"),
        lead(email=ADA, utm_source="baidu", utm_campaign="autumn", minutes=1),
    )
    assert [name for one in said for name in names(one)].count("LeadCaptured") == 1


def test_frappe_2384_an_outcome_makes_no_second_contact() -> None:
    shelf, _ = resolve_all(lead(external_id="7", email=ADA), outcome(external_id="7"))
    assert len(shelf.people()) == 1


def test_hubspot_people_who_registered_at_one_browser_stay_as_many() -> None:
    addresses = [f"p{number}@example.com" for number in range(6)]
    shelf, said = resolve_all(*[message(browser="booth", email=one) for one in addresses], page("booth"))
    assert len(shelf.people()) == 6
    assert said[6][0].subject == said[0][0].subject, "the browser is the first one's"


def test_segment_a_second_user_id_with_the_same_address_is_a_profile_of_its_own() -> None:
    """The worked case of Segment's rules: the address is demoted, the second user id stands alone."""
    shelf, said = resolve_all(
        message(user="abc123", email="j@example.com"), message(user="abc456", email="j@example.com")
    )
    assert said[0][0].subject != said[1][0].subject
    (doubt,) = shelf.doubts.values()
    assert (doubt.reason.value, doubt.kind) == ("user_ids_differ", IdentifierKind.EMAIL)
