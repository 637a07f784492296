"""The sequence for B leads as it ships: every number of N1, and everything that ends it at once."""

from __future__ import annotations

import pytest

from services.nurture.domain import learnt
from shared.contracts.events import nurture
from shared.kernel.instants import DAY, HOUR, MINUTE
from tests.unit.nurture.stories import ADA, BEN, START, World, shanghai


@pytest.fixture
def world() -> World:
    return World()


class TestTheFourMailsN1:
    def test_the_first_goes_out_at_once_and_the_others_at_ten_on_days_3_7_and_10(self, world: World) -> None:
        world.becomes_b()
        world.pass_to(START + 30 * DAY)
        assert [(sent.step, sent.at) for sent in world.sent()] == [
            ("welcome", "2026-03-02 14:30"),
            ("practice", "2026-03-05 10:00"),
            ("guide", "2026-03-09 10:00"),
            ("invitation", "2026-03-12 10:00"),
        ]
        assert world.exits() == [("b_leads", "completed")]

    def test_a_day_off_moves_a_mail_to_the_next_working_day(self, world: World) -> None:
        world.now = shanghai("2026-03-04T09:00")  # a Wednesday: day 3 is a Saturday, day 10 too
        world.becomes_b()
        world.pass_to(world.now + 30 * DAY)
        assert [sent.at for sent in world.sent()] == [
            "2026-03-04 09:00",
            "2026-03-09 10:00",
            "2026-03-11 10:00",
            "2026-03-16 10:00",
        ]

    def test_a_make_up_day_is_a_working_day(self, world: World) -> None:
        world.now = shanghai("2026-02-11T09:00")  # day 3 is Saturday 14 February, worked for Spring Festival
        world.becomes_b()
        world.pass_to(shanghai("2026-02-15T00:00"))
        assert [sent.at for sent in world.sent()] == ["2026-02-11 09:00", "2026-02-14 10:00"]

    def test_ten_is_by_the_recipients_clock(self, world: World) -> None:
        world.reaches(time_zone="Europe/Berlin", language="en")
        world.tier("B")
        world.pass_to(START + 30 * DAY)
        assert [sent.at for sent in world.sent(zone="Europe/Berlin")] == [
            "2026-03-02 07:30",
            "2026-03-05 10:00",
            "2026-03-09 10:00",
            "2026-03-12 10:00",
        ]

    def test_ten_stays_ten_where_the_clocks_change(self, world: World) -> None:
        world.now = shanghai("2026-03-23T18:00")
        world.reaches(time_zone="Europe/Berlin")
        world.tier("B")
        world.pass_to(world.now + 20 * DAY)
        assert [sent.at for sent in world.sent(zone="Europe/Berlin")][1:] == [
            "2026-03-26 10:00",
            "2026-03-30 10:00",
            "2026-04-02 10:00",
        ]

    def test_an_unknown_zone_falls_back_to_the_organisations_clock(self, world: World) -> None:
        world.reaches(time_zone="Mars/Olympus")
        world.tier("B")
        world.pass_to(START + 4 * DAY)
        assert world.sent()[1].at == "2026-03-05 10:00"

    def test_the_fourth_is_dropped_with_the_reason_after_day_14(self, world: World) -> None:
        world.now = shanghai("2026-02-05T09:00")  # day 10 is 15 February; Spring Festival ends on the 23rd
        world.becomes_b()
        world.pass_to(world.now + 40 * DAY)
        assert world.steps() == ["welcome", "practice", "guide"]
        (dropped,) = world.events(nurture.MessageSuppressed)
        assert (dropped.step, dropped.reason) == ("invitation", "too_late")
        assert world.exits() == [("b_leads", "completed")]

    def test_a_mail_server_away_for_days_sends_no_burst_afterwards(self, world: World) -> None:
        world.becomes_b()
        world.pass_to(START + MINUTE)
        world.pass_to(shanghai("2026-03-09T15:00"), sends=False)  # the mail of the 5th still waits
        world.send_all()
        world.pass_to(START + 30 * DAY)
        assert [(sent.step, sent.at) for sent in world.sent()][2:] == [
            ("guide", "2026-03-10 10:00"),
            ("invitation", "2026-03-12 10:00"),
        ]


class TestWhoIsInIt:
    def test_nobody_without_an_address_and_whoever_gets_one_at_once(self, world: World) -> None:
        world.tier("B")
        assert world.where() == ""
        world.reaches()
        assert world.where() == "b_leads"
        assert world.events(nurture.LeadEnrolled)[0].reason == "mql/B"

    @pytest.mark.parametrize("tier", ["A", "D"])
    def test_neither_a_nor_d_leads(self, world: World, tier: str) -> None:
        world.reaches()
        world.tier(tier)
        assert world.where() == ""

    def test_another_models_b_counts_for_nothing(self, world: World) -> None:
        world.reaches()
        world.tier("B", model="abcd")
        assert world.where() == ""

    def test_told_b_four_times_it_begins_once(self, world: World) -> None:
        world.reaches()
        for _ in range(4):
            world.tier("B")
        assert len(world.events(nurture.LeadEnrolled)) == 1
        assert len(world.planned()) == 1

    def test_nobody_who_is_owned_has_a_deal_or_is_invalid(self, world: World) -> None:
        world.owner("rep-1")
        world.becomes_b()
        assert world.where() == ""
        world.owner("")
        assert world.where() == "b_leads"


class TestLeavingAtOnce:
    def enters(self, world: World) -> None:
        world.becomes_b()
        world.pass_to(START + HOUR)
        assert world.steps() == ["welcome"]

    def test_promotion_ends_it_n3(self, world: World) -> None:
        self.enters(world)
        world.tier("A")
        assert world.exits() == [("b_leads", "promoted")]
        world.pass_to(START + 60 * DAY)
        assert world.steps() == ["welcome"]
        assert not world.timers

    def test_who_cools_down_gets_the_monthly_mail_instead(self, world: World) -> None:
        self.enters(world)
        world.tier("C", direction="down")
        assert world.exits() == [("b_leads", "cooled")]
        assert world.where() == "c_content"

    def test_an_owner_ends_it_and_a_return_goes_on_where_it_stopped(self, world: World) -> None:
        self.enters(world)
        world.owner("rep-1")
        assert world.exits() == [("b_leads", "assigned")]
        world.owner("", at=START + DAY)
        world.pass_to(START + 40 * DAY)
        assert world.steps() == ["welcome", "practice", "guide", "invitation"]

    @pytest.mark.parametrize(("standing", "reason"), [("opportunity", "opportunity"), ("won", "won")])
    def test_a_deal_ends_it(self, world: World, standing: str, reason: str) -> None:
        self.enters(world)
        world.deal(standing)
        assert world.exits() == [("b_leads", reason)]

    def test_asking_for_no_more_mail_ends_it_for_good(self, world: World) -> None:
        self.enters(world)
        world.learn(learnt.MailRefused(ADA, ADA))
        assert world.exits() == [("b_leads", "unsubscribed")]
        world.tier("C")
        world.tier("B")
        assert world.where() == ""

    def test_a_refused_consent_ends_it(self, world: World) -> None:
        self.enters(world)
        world.reaches(version=2, consents={"email": False})
        assert world.exits() == [("b_leads", "consent_refused")]

    def test_a_refusal_of_its_purpose_ends_it_and_one_of_another_does_not(self, world: World) -> None:
        self.enters(world)
        world.reaches(version=2, consents={"email": True, "email.newsletter": False, "sms.b_leads": False})
        assert world.exits() == []
        world.reaches(version=3, consents={"email": True, "email.b_leads": False})
        assert world.exits() == [("b_leads", "consent_refused")]

    def test_erasure_ends_it_for_good_and_forgets_the_address(self, world: World) -> None:
        self.enters(world)
        world.learn(learnt.ProfileErased(ADA, ADA))
        assert world.exits() == [("b_leads", "erased")]
        world.reaches(version=9)
        contact = world.desk.contacts.find(ADA)
        assert contact is not None
        assert contact.email is None
        world.tier("B")
        assert world.where() == ""

    def test_a_planned_mail_is_not_sent_any_more(self, world: World) -> None:
        world.becomes_b()
        world.tier("A")
        assert not world.planned()
        (stopped,) = world.events(nurture.MessageSuppressed)
        assert (stopped.step, stopped.reason) == ("welcome", "promoted")

    def test_a_mail_that_is_being_sent_is_told_of_and_nothing_follows(self, world: World) -> None:
        world.becomes_b()
        message = world.take(world.planned()[0])
        world.tier("A")
        world.result(message, "sent")
        assert world.steps() == ["welcome"]
        assert world.exits() == [("b_leads", "promoted")]
        assert not world.timers

    def test_marked_invalid_it_ends(self, world: World) -> None:
        self.enters(world)
        world.learn(learnt.ValidityTold(ADA, is_invalid=True))
        assert world.exits() == [("b_leads", "invalid")]


class TestSendingThatFails:
    @pytest.mark.parametrize(
        ("state", "kind"),
        [("failed", nurture.MessageFailed), ("unconfirmed", nurture.MessageUnconfirmed)],
    )
    def test_the_sequence_goes_on(self, world: World, state: str, kind: type[object]) -> None:
        world.becomes_b()
        world.send_all(state=state, reason="smtp.refused")  # type: ignore[arg-type]
        world.pass_to(START + 30 * DAY)
        assert len(world.events(kind)) == 1
        assert world.steps()[-3:] == ["practice", "guide", "invitation"]

    def test_a_lost_answer_that_is_found_changes_what_is_known_and_nothing_else(self, world: World) -> None:
        world.becomes_b()
        message = world.planned()[0]
        world.send_all(state="unconfirmed")
        timers = dict(world.timers)
        world.result(message, "sent")
        world.result(message, "failed")
        assert [type(emission.event).__name__ for emission in world.said] == [
            "LeadEnrolled",
            "MessageUnconfirmed",
            "MessageSent",
        ]
        assert world.timers == timers


class TestMerging:
    def merge(self, world: World, profile: str, lead: str, *, version: int = 1, origin: str = "") -> None:
        world.learn(learnt.ProfileMoved(profile, lead, origin or profile, version))

    def test_who_is_merged_away_leaves_and_nobody_gets_a_mail_twice(self, world: World) -> None:
        world.becomes_b(ADA)
        world.becomes_b(BEN)
        world.pass_to(START + HOUR)
        self.merge(world, BEN, ADA)
        assert world.exits(BEN) == [("b_leads", "merged")]
        world.pass_to(START + 30 * DAY)
        assert world.steps(ADA) == ["welcome", "practice", "guide", "invitation"]
        assert world.steps(BEN) == ["welcome"]

    def test_what_the_other_one_got_is_not_sent_again(self, world: World) -> None:
        world.becomes_b(BEN)
        world.pass_to(START + HOUR)
        world.reaches(ADA)
        self.merge(world, BEN, ADA)
        world.tier("B", ADA)
        world.pass_to(START + 30 * DAY)
        assert world.steps(ADA) == ["practice", "guide", "invitation"]

    def test_a_refusal_moves_along(self, world: World) -> None:
        world.becomes_b(ADA)
        world.learn(learnt.MailRefused(BEN, BEN))
        self.merge(world, BEN, ADA)
        assert world.exits(ADA) == [("b_leads", "unsubscribed")]

    def test_an_unmerge_lets_both_go_on_and_an_older_move_counts_for_nothing(self, world: World) -> None:
        world.becomes_b(ADA)
        world.becomes_b(BEN)
        world.pass_to(START + HOUR)
        self.merge(world, BEN, ADA, version=2)
        self.merge(world, BEN, BEN, version=3, origin=ADA)
        self.merge(world, BEN, ADA, version=1)
        assert (world.where(ADA), world.where(BEN)) == ("b_leads", "b_leads")
        world.pass_to(START + 30 * DAY)
        assert world.steps(BEN) == ["welcome", "practice", "guide", "invitation"]
