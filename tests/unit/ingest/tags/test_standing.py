"""What stands on a lead: whatever the order, by hand before rules, joined by merges and parted again."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.acts import Act
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.intake import Intake
from services.ingest.domain.outcomes import Outcome, OutcomeKind
from services.ingest.domain.tags.definitions import Tag
from services.ingest.domain.tags.trail import Card
from tests.examples import tried
from tests.unit.ingest.tags.shelf import TagShelf, at, form, message

MAIL, CALL, BROWSER = "ada@example.com", "+8613800138000", "browser-1"
PAGE = Act("Page", {"path": "/pricing", "kind": "price"}, is_declared=True)


def lost(seconds: int) -> Intake:
    told = message(seconds, email=MAIL)
    told.outcome = Outcome(OutcomeKind.LOST, "op-1", reason="price")
    return told


def told(kind: str, seconds: int) -> Intake:
    """Return one of the messages that the property draws."""
    acts: dict[str, Any] = {"trial": form("trial_request"), "page": PAGE}
    if kind == "lost":
        return lost(seconds)
    if kind in acts:
        return message(seconds, email=MAIL, browser=BROWSER, act=acts[kind])
    if kind == "visit":
        return message(seconds, browser=BROWSER, channel="paid_search")
    if kind == "direct":
        return message(seconds, browser=BROWSER, channel="direct")
    return message(seconds, email=MAIL, industry=kind)


KINDS = st.sampled_from(["trial", "page", "lost", "visit", "direct", "internet", "health"])
HISTORIES = st.lists(KINDS, min_size=1, max_size=7).flatmap(
    lambda kinds: st.permutations(list(enumerate(kinds)))
)


def drawn(messages: list[Intake]) -> Card:
    shelf = TagShelf()
    shelf.take(message(0, email=MAIL, browser=BROWSER), *messages)
    return shelf.card(shelf.lead_of(IdentifierKind.EMAIL, MAIL))


class TestWhatStands:
    @settings(max_examples=tried(50), deadline=None)
    @given(HISTORIES)
    def test_is_the_same_in_whatever_order_messages_arrive(self, history: list[tuple[int, str]]) -> None:
        late = drawn([told(kind, place + 1) for place, kind in history])
        in_order = drawn([told(kind, place + 1) for place, kind in sorted(history)])
        assert (late.tags, late.first, late.last) == (in_order.tags, in_order.first, in_order.last)
        assert late.sources == in_order.sources

    @settings(max_examples=tried(50), deadline=None)
    @given(HISTORIES)
    def test_is_what_the_events_said_last_and_each_says_what_is_different(
        self, history: list[tuple[int, str]]
    ) -> None:
        shelf = TagShelf()
        shelf.take(
            *(told(kind, place + 1) for place, kind in history), message(99, email=MAIL, browser=BROWSER)
        )
        card = shelf.card(shelf.lead_of(IdentifierKind.EMAIL, MAIL))
        of_lead = [one for one in shelf.said if one.lead == shelf.lead_of(IdentifierKind.EMAIL, MAIL)]
        on: set[str] = set()
        for place, change in enumerate(of_lead, start=1):
            assert change.version == place
            assert not on & {one.tag for one in change.put}
            on = (on | {one.tag for one in change.put}) - set(change.taken)
            assert on == set(change.tags)
        assert on == set(card.tags)

    def test_says_nothing_where_nothing_is_different(self) -> None:
        shelf = TagShelf()
        shelf.take(*(message(place, email=MAIL, act=form("trial_request")) for place in range(3)))
        assert len(shelf.said) == 1

    def test_a_visitor_has_no_tags_and_a_lead_those_of_the_visits_before(self) -> None:
        shelf = TagShelf()
        shelf.take(message(1, browser=BROWSER, act=PAGE, channel="paid_search"))
        assert (shelf.said, shelf.cards) == ([], {})
        shelf.take(message(2, browser=BROWSER, email=MAIL))
        card = shelf.card(shelf.lead_of(IdentifierKind.EMAIL, MAIL))
        assert set(card.tags) == {"price_sensitive", "advertising"}
        assert card.first is not None
        assert (card.first.channel, card.first.at) == ("paid_search", at(1))

    def test_by_hand_wins_and_of_two_people_whoever_spoke_last(self) -> None:
        shelf = TagShelf()
        shelf.take(message(1, email=MAIL, act=form("trial_request")))
        lead = shelf.lead_of(IdentifierKind.EMAIL, MAIL)
        shelf.tag(lead, take=["high_intent"], seconds=2)
        shelf.take(message(3, email=MAIL, act=form("trial_request")))
        assert "high_intent" not in shelf.card(lead).tags
        shelf.tag(lead, put=["high_intent"], seconds=4)
        shelf.take(lost(5))
        assert shelf.card(lead).tags["high_intent"] == "by:bo"

    def test_a_retired_tag_stays_where_it_is_and_goes_on_nobody(self) -> None:
        shelf = TagShelf()
        shelf.take(message(1, email=MAIL, act=form("trial_request")))
        shelf.own = {
            "high_intent": Tag(tag="high_intent", group="state", zh="高", en="High", state="retired")
        }
        shelf.take(message(2, email=MAIL, act=PAGE), message(3, phone=CALL, act=form("trial_request")))
        assert "high_intent" in shelf.card(shelf.lead_of(IdentifierKind.EMAIL, MAIL)).tags
        assert "high_intent" not in shelf.card(shelf.lead_of(IdentifierKind.PHONE, CALL)).tags

    def test_a_merged_tag_counts_as_the_one_it_was_merged_into(self) -> None:
        shelf = TagShelf()
        shelf.take(message(1, email=MAIL, act=form("trial_request")))
        lead = shelf.lead_of(IdentifierKind.EMAIL, MAIL)
        shelf.own = {
            "high_intent": Tag(
                tag="high_intent", group="state", zh="高", en="High", state="merged", into="price_sensitive"
            )
        }
        shelf.tag(lead, seconds=2)
        assert set(shelf.card(lead).tags) == {"price_sensitive", "website"}
        change = shelf.said[-1]
        assert ([one.tag for one in change.put], change.taken) == (["price_sensitive"], ["high_intent"])


class TestAMerge:
    def two(self) -> tuple[TagShelf, str, str]:
        shelf = TagShelf()
        shelf.take(
            message(1, email=MAIL, act=form("trial_request"), channel="paid_search"),
            message(2, phone=CALL, act=PAGE, channel="email", industry="health"),
        )
        ids = (shelf.lead_of(IdentifierKind.EMAIL, MAIL), shelf.lead_of(IdentifierKind.PHONE, CALL))
        shelf.tag(ids[1], put=["partner"], seconds=3)
        return shelf, *ids

    def test_joins_the_tags_keeps_the_oldest_touch_first_and_the_newest_last(self) -> None:
        shelf, ada, call = self.two()
        both = {*shelf.card(ada).tags, *shelf.card(call).tags}
        shelf.take(message(5, email=MAIL, phone=CALL))
        stays, gone = sorted((ada, call))
        card = shelf.card(stays)
        assert set(card.tags) == both
        assert card.first is not None
        assert card.last is not None
        assert (card.first.at, card.last.at) == (at(1), at(2))
        assert shelf.card(gone).tags == {}
        assert {one.lead for one in shelf.said[3:]} == {stays}

    def test_taken_back_leaves_each_with_what_it_had(self) -> None:
        shelf, ada, call = self.two()
        before = {lead: shelf.card(lead) for lead in (ada, call)}
        shelf.take(message(5, email=MAIL, phone=CALL))
        gone = max(ada, call)
        shelf.unmerge(gone)
        for lead in (ada, call):
            after = shelf.card(lead)
            assert set(after.tags) == set(before[lead].tags)
            assert after.first == before[lead].first
            assert after.last == before[lead].last
            assert after.version > before[lead].version
        last = [one for one in shelf.said if one.lead == gone][-1]
        assert set(last.tags) == set(before[gone].tags)

    def test_is_the_same_whichever_way_round_it_comes_about(self) -> None:
        messages = [
            message(1, email=MAIL, act=form("trial_request"), channel="paid_search"),
            message(2, browser=BROWSER, act=PAGE, channel="email"),
            message(3, browser=BROWSER, email=MAIL),
            lost(4),
        ]
        cards = set()
        for order in permutations(messages):
            shelf = TagShelf()
            shelf.take(*order)
            card = shelf.card(shelf.lead_of(IdentifierKind.EMAIL, MAIL))
            cards.add((frozenset(card.tags), card.first and card.first.at, card.last and card.last.at))
        assert cards == {(frozenset({"advertising", "website", "price_sensitive"}), at(1), at(2))}


class TestTouches:
    def test_a_direct_visit_does_not_replace_what_brought_them(self) -> None:
        card = drawn([told("direct", 1), told("visit", 2), told("direct", 3)])
        assert card.first is not None
        assert card.last is not None
        assert (card.first.channel, card.last.channel, card.last.at) == ("direct", "paid_search", at(2))

    def test_an_older_touch_that_comes_late_is_the_first(self) -> None:
        card = drawn([told("visit", 5), message(1, browser=BROWSER, channel="email")])
        assert card.first is not None
        assert card.first.channel == "email"
