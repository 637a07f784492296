"""The gate of ``mql`` as it ships: every number of C9."""

from __future__ import annotations

from typing import Any

import pytest

from services.scoring.domain.activation.gate import Standing
from services.scoring.domain.scoring_models.compiler import ModelFaults
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant
from tests.unit.scoring.stories import START, Story, day, hour, model_from, shipped


@pytest.fixture
def lead() -> Story:
    """Somebody with 40 points for who they are, and 20 for wanting to start within a month."""
    lead = Story(shipped("mql"))
    lead.is_known_as(industry="pharma", title_level="cxo", size="500_plus", region="east_china")
    return lead.did("form_submitted", form="f", start_within_months=1)


def standing(lead: Story, at: Instant | None = None) -> Standing:
    found = lead.score(at).activation
    assert found is not None
    return found


def activated_at(lead: Story, at: Instant | None = None) -> Instant | None:
    passage = standing(lead, at).passage
    return passage.place.occurred if passage is not None else None


def price(lead: Story, at: Instant, path: str = "/pricing") -> Story:
    return lead.did("page_viewed", at, kind="price", path=path)


class TestPointsAndActsTogetherC9:
    def test_enough_points_with_one_high_value_act_do_not_activate(self, lead: Story) -> None:
        lead.did("demo_requested", hour(1))
        assert (lead.points(), lead.tier()) == (90, "A")
        assert activated_at(lead) is None

    def test_the_second_act_activates(self, lead: Story) -> None:
        price(lead.did("demo_requested", hour(1)), hour(2))
        assert activated_at(lead) == hour(2)

    def test_two_acts_without_enough_points_do_not_activate(self, lead: Story) -> None:
        price(lead, hour(1)).did("document_downloaded", hour(2), kind="quote", document="Q-1")
        assert (lead.points(), activated_at(lead)) == (70, None)

    def test_the_points_that_were_missing_activate_though_they_come_by_no_act_that_counts(
        self, lead: Story
    ) -> None:
        price(lead, hour(1)).did("document_downloaded", hour(2), kind="quote", document="Q-1")
        lead.did("document_downloaded", hour(3), kind="brochure", document="b")
        assert (lead.points(), activated_at(lead)) == (80, hour(3))

    def test_an_attribute_may_bring_them_too(self) -> None:
        lead = price(Story(shipped("mql")).did("demo_requested"), hour(1))
        lead.did("form_submitted", hour(1), form="f", start_within_months=1)
        assert (lead.points(), activated_at(lead)) == (60, None)
        lead.is_known_as(hour(2), industry="pharma", size="500_plus")
        assert (lead.points(), activated_at(lead)) == (80, hour(2))

    def test_79_points_are_not_enough(self, lead: Story) -> None:
        price(lead, hour(1)).did("document_downloaded", hour(2), kind="quote", document="Q-1")
        for number in range(3):
            lead.did("email_opened", hour(3 + number), message=f"m{number}")
        assert (lead.points(), activated_at(lead)) == (75, None)

    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("document_downloaded", {"kind": "quote", "document": "Q-1"}),
            ("page_viewed", {"kind": "price", "path": "/p"}),
            ("demo_requested", {}),
            ("trial_requested", {}),
            ("email_link_clicked", {"message": "m", "purpose": "book_demo"}),
        ],
    )
    def test_these_acts_count(self, lead: Story, name: str, fields: dict[str, Any]) -> None:
        lead.did("demo_requested", START - DAY)
        lead.did(name, hour(1), **fields)
        lead.did("document_downloaded", hour(2), kind="brochure", document="b")
        assert activated_at(lead) == hour(1)

    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("document_downloaded", {"kind": "white_paper", "document": "w"}),
            ("page_viewed", {"kind": "solution", "path": "/s"}),
            ("email_link_clicked", {"message": "m", "purpose": ""}),
            ("email_opened", {"message": "m"}),
            ("unsubscribed", {"message": "m"}),
            ("chat_started", {}),
        ],
    )
    def test_others_do_not(self, lead: Story, name: str, fields: dict[str, Any]) -> None:
        lead.did("demo_requested", hour(1)).did(name, hour(2), **fields)
        assert lead.points() >= 90
        assert activated_at(lead) is None


class TestARollingWindowOf168HoursC9:
    def test_both_its_ends_count(self, lead: Story) -> None:
        price(lead, hour(1)).did("demo_requested", hour(1 + 168))
        assert activated_at(lead) == hour(169)

    def test_a_microsecond_more_is_too_late(self, lead: Story) -> None:
        price(lead, hour(1)).did("demo_requested", hour(1 + 168) + 1)
        assert lead.points() >= 80
        assert activated_at(lead) is None

    def test_acts_that_have_left_it_do_not_count_when_the_points_come(self, lead: Story) -> None:
        price(lead, hour(1)).did("document_downloaded", hour(2), kind="quote", document="Q-1")
        lead.did("document_downloaded", hour(170), kind="brochure", document="b")
        lead.did("email_link_clicked", hour(171), message="m", purpose="book_demo")
        assert lead.points() >= 80
        assert activated_at(lead) is None
        assert len(standing(lead).acts) == 1
        assert activated_at(price(lead, hour(172))) == hour(172)


class TestOncePerKindAndObjectInHalfAnHourC9:
    @pytest.fixture
    def asked(self, lead: Story) -> Story:
        return lead.did("chat_started", START).did("document_downloaded", kind="brochure", document="b")

    def test_a_page_that_is_loaded_again_counts_once(self, asked: Story) -> None:
        price(price(asked, hour(1)), hour(1) + 30 * MINUTE - 1)
        assert (asked.points(), activated_at(asked)) == (80, None)

    def test_half_an_hour_after_the_one_that_counts_it_counts_again(self, asked: Story) -> None:
        price(price(asked, hour(1)), hour(1) + 30 * MINUTE)
        assert activated_at(asked) == hour(1.5)

    def test_one_that_does_not_count_puts_the_next_one_off_no_longer(self, asked: Story) -> None:
        for minutes in (0, 20, 40):
            price(asked, hour(1) + minutes * MINUTE)
        assert activated_at(asked) == hour(1) + 40 * MINUTE

    def test_another_page_counts_at_once(self, asked: Story) -> None:
        price(price(asked, hour(1)), hour(1) + 1, path="/pricing/enterprise")
        assert activated_at(asked) == hour(1) + 1

    def test_another_kind_counts_at_once(self, asked: Story) -> None:
        price(asked, hour(1)).did("document_downloaded", hour(1), kind="quote", document="/pricing")
        assert activated_at(asked) == hour(1)

    def test_a_demo_and_a_trial_in_one_breath_are_one_wish(self, lead: Story) -> None:
        lead.did("demo_requested", hour(1)).did("trial_requested", hour(1) + MINUTE)
        assert (lead.points(), activated_at(lead)) == (90, None)

    def test_is_judged_among_more_acts_than_are_needed(self, lead: Story) -> None:
        """Five pages within minutes do not make the gate forget which was seen."""
        for number in range(5):
            price(lead, hour(1) + number * MINUTE, path=f"/p{number}")
        price(lead, hour(1) + 10 * MINUTE, path="/p0")
        assert [mark.object for mark in standing(lead).acts] == [
            f"price_page_visited:/p{number}" for number in range(5)
        ]


class TestTheSalesCycleC9:
    @pytest.fixture
    def active(self, lead: Story) -> Story:
        return price(lead.did("demo_requested", hour(1)), hour(2))

    def test_is_activated_once_however_much_follows(self, active: Story) -> None:
        for number in range(3, 9):
            price(active, hour(number)).did("demo_requested", hour(number))
        assert (activated_at(active), standing(active).cycle) == (hour(2), 1)

    @pytest.mark.parametrize("end", ["opportunity_lost", "lead_returned"])
    def test_ends_by_loss_or_return_and_the_acts_before_it_are_its_own(self, active: Story, end: str) -> None:
        active.did(end, hour(3))
        assert (activated_at(active), standing(active).cycle, standing(active).acts) == (None, 2, ())
        price(active, hour(4), path="/other")
        assert (active.points(), activated_at(active)) == (100, None)
        active.did("document_downloaded", hour(5), kind="quote", document="Q-2")
        assert (activated_at(active), standing(active).cycle) == (hour(5), 2)

    def test_that_was_never_activated_has_no_number(self, lead: Story) -> None:
        lead.did("opportunity_lost", hour(1)).did("lead_returned", hour(1)).did("demo_requested", hour(2))
        price(lead, hour(3))
        assert (activated_at(lead), standing(lead).cycle) == (hour(3), 1)

    def test_is_not_ended_by_falling_below_the_bound(self, active: Story) -> None:
        """Whoever cooled down and warmed up again is the same case for sales."""
        assert active.score(day(200)).tier == "C"
        price(active.did("demo_requested", day(200)), day(200))
        assert active.tier() == "A"
        assert activated_at(active) == hour(2)

    def test_can_be_asked_for_as_of_any_instant(self, active: Story) -> None:
        active.did("opportunity_lost", hour(30))
        asked = [activated_at(active, at) for at in (hour(2) - 1, hour(2), hour(30) - 1, hour(30))]
        assert asked == [None, hour(2), hour(2), None]
        assert len(standing(active, hour(1)).acts) == 1


GATE = """
name: tried
version: 1
groups:
  - group: acts
    of: behaviour
    cooling: {{full_hours: 1, half_life_days: 1}}
    rules: [{{rule: demo, type: act, points: {points}, acts: [demo_requested], counts: once}}]
tiers: [{{tier: only}}]
activation:
  at_least: {at_least}
  acts_needed: 1
  within_hours: 1
  once_within_minutes: 0
  high_value_acts: {acts}
  rearmed_by: {rearmed_by}
"""
ACTS = "[{kind: demo, acts: [demo_requested]}]"


def faults(
    *, points: str = "10", at_least: str = "5", acts: str = ACTS, rearmed_by: str = "[opportunity_lost]"
) -> list[str]:
    with pytest.raises(ModelFaults) as caught:
        model_from(GATE.format(points=points, at_least=at_least, acts=acts, rearmed_by=rearmed_by))
    return [f"{fault.path}: {fault.text}" for fault in caught.value.faults]


class TestFaultsOfAGate:
    def test_a_gate_without_faults_compiles(self) -> None:
        assert model_from(GATE.format(points=10, at_least=5, acts=ACTS, rearmed_by="[]")).activation

    def test_points_are_above_zero_and_no_finer_than_thousandths(self) -> None:
        for at_least in ("0", "-5", "0.0001"):
            (fault,) = faults(at_least=at_least)
            assert fault.startswith("activation.at_least: ")

    def test_acts_kinds_and_fields_are_known_and_unique(self) -> None:
        acts = (
            "[{kind: one, acts: [demo_request]}, {kind: two, acts: [page_viewed], when: {field: colour,"
            " operator: is, value: red}}, {kind: two, acts: []}]"
        )
        found = faults(acts=acts)
        assert [fault.partition(":")[0] for fault in found] == [
            "activation.high_value_acts[0].acts[0]",
            "activation.high_value_acts[1].when.field",
            "activation.high_value_acts[2].kind",
            "activation.high_value_acts[2].acts",
        ]
        assert "did you mean demo_requested?" in found[0]

    def test_what_ends_a_cycle_is_known(self) -> None:
        (fault,) = faults(rearmed_by="[opportunity_won]")
        assert fault.startswith("activation.rearmed_by[0]: 'opportunity_won' is unknown")

    def test_a_score_that_may_rise_by_itself_allows_no_gate(self) -> None:
        """Otherwise time alone could open it: a penalty cools, and the points suffice."""
        (fault,) = faults(points="-10")
        assert fault.startswith("activation: has no place beside negative points that cool")


def test_a_gate_listens_to_acts_for_which_no_rule_gives_points() -> None:
    lead = Story(
        model_from(
            GATE.format(points=10, at_least=5, acts="[{kind: chat, acts: [chat_started]}]", rearmed_by="[]")
        )
    )
    lead.did("demo_requested").did("chat_started", START + HOUR)
    assert activated_at(lead) == START + HOUR
