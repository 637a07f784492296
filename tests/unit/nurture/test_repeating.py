"""Mails that repeat, as they ship: C leads once a month (N11), and after a lost deal every 30 days (N7)."""

from __future__ import annotations

import pytest

from services.nurture.domain import learnt
from shared.kernel.instants import DAY, HOUR
from tests.unit.nurture.stories import ADA, START, World, shanghai


@pytest.fixture
def world() -> World:
    return World()


class TestCLeadsN11:
    def test_one_mail_in_30_days_and_nothing_else(self, world: World) -> None:
        world.reaches()
        world.tier("C")
        world.pass_to(START + 95 * DAY)
        assert [(sent.step, sent.at, sent.chosen) for sent in world.sent()] == [
            ("issue_1", "2026-03-03 10:00", "digest_costs.general.zh"),
            ("issue_2", "2026-04-02 10:00", "digest_stories.general.zh"),
            ("issue_3", "2026-05-06 10:00", "digest_questions.general.zh"),  # 2 to 5 May are days off
            ("issue_4", "2026-06-01 10:00", "digest_costs.general.zh"),
        ]
        assert world.where() == "c_content"

    def test_who_goes_up_and_comes_back_does_not_get_more(self, world: World) -> None:
        world.reaches()
        world.tier("C")
        world.pass_to(START + 2 * DAY)
        world.tier("D", direction="down")
        world.tier("C")
        world.pass_to(START + 29 * DAY)
        assert len(world.sent()) == 1
        world.pass_to(START + 45 * DAY)
        assert [sent.chosen for sent in world.sent()] == [
            "digest_costs.general.zh",
            "digest_stories.general.zh",
        ]
        assert world.sent()[1].at == "2026-04-07 10:00"  # 4 to 6 April are days off

    def test_a_month_that_was_missed_is_not_made_up_for(self, world: World) -> None:
        world.reaches()
        world.tier("C")
        world.pass_to(START + 2 * DAY)
        world.pass_to(START + 70 * DAY, sends=False)
        world.result(world.planned()[0], "suppressed", reason="too_late")
        world.pass_to(START + 100 * DAY)
        assert [(sent.step, sent.chosen) for sent in world.sent()] == [
            ("issue_1", "digest_costs.general.zh"),
            ("issue_4", "digest_stories.general.zh"),
        ]

    def test_rising_to_b_ends_it_and_begins_the_other(self, world: World) -> None:
        world.reaches()
        world.tier("C")
        world.tier("B")
        assert world.exits() == [("c_content", "promoted")]
        assert world.where() == "b_leads"


class TestLostDealsN7:
    def test_content_every_30_days_from_the_loss_on(self, world: World) -> None:
        world.reaches()
        world.tier("A")
        world.deal("lost")
        assert world.where() == "lost_deals"
        world.pass_to(START + 65 * DAY)
        assert [sent.at for sent in world.sent()] == ["2026-04-01 10:00", "2026-05-06 10:00"]

    def test_a_new_deal_ends_it(self, world: World) -> None:
        world.reaches()
        world.deal("lost")
        world.learn(learnt.DealTold(ADA, ADA, "OP-2", "opportunity", START + HOUR), START + HOUR)
        assert world.exits() == [("lost_deals", "opportunity")]

    def test_who_becomes_a_b_lead_after_a_loss_gets_that_sequence(self, world: World) -> None:
        world.reaches()
        world.deal("lost")
        world.tier("B")
        assert world.exits() == [("lost_deals", "superseded")]
        world.pass_to(shanghai("2026-04-30T00:00"))
        assert world.where() == "lost_deals"

    def test_a_correction_that_happened_before_is_no_news(self, world: World) -> None:
        world.reaches()
        world.deal("lost", at=START + DAY)
        world.learn(learnt.DealTold(ADA, ADA, "OP-1", "opportunity", START))
        assert world.where() == "lost_deals"
