"""Model abcd as it ships: every number of C6, and the examples of S4 where S4 puts them."""

from __future__ import annotations

import pytest

from shared.kernel.instants import HOUR
from tests.unit.scoring.stories import START, Story, day, hour, shipped


@pytest.fixture
def lead() -> Story:
    return Story(shipped("abcd"))


def opens_proposal(lead: Story, *days: float) -> Story:
    for at in days:
        lead.did("proposal_opened", day(at), proposal="p")
    return lead


class TestWhatTheyDoC6:
    @pytest.mark.parametrize(("opens", "points"), [(1, 0), (2, 0), (3, 45), (4, 45)])
    def test_a_proposal_opened_three_times_brings_45_once(self, lead: Story, opens: int, points: int) -> None:
        assert opens_proposal(lead, *range(opens)).points() == points

    def test_the_three_lie_within_seven_days_both_ends_included(self, lead: Story) -> None:
        assert opens_proposal(lead, 0, 1, 7).points() == 45

    def test_a_microsecond_more_than_seven_days_is_too_long(self, lead: Story) -> None:
        opens_proposal(lead, 0, 1).did("proposal_opened", day(7) + 1, proposal="p")
        assert lead.points() == 0

    def test_they_need_not_be_of_one_proposal(self, lead: Story) -> None:
        for number in range(3):
            lead.did("proposal_opened", hour(number), proposal=f"p{number}")
        assert lead.points() == 45

    def test_an_offline_event_brings_40_once(self, lead: Story) -> None:
        for number in range(2):
            lead.did("live_event_attended", day(number), live_event=f"fair-{number}", offline=True)
        assert lead.points() == 40

    @pytest.mark.parametrize("offline", [False, None])
    def test_a_webinar_brings_nothing(self, lead: Story, offline: bool | None) -> None:
        assert lead.did("live_event_attended", live_event="webinar", offline=offline).points() == 0

    def test_a_white_paper_brings_30_once(self, lead: Story) -> None:
        for paper in "ab":
            lead.did("document_downloaded", kind="white_paper", document=paper)
        assert lead.points() == 30

    @pytest.mark.parametrize("kind", ["brochure", "quote"])
    def test_other_documents_bring_nothing(self, lead: Story, kind: str) -> None:
        assert lead.did("document_downloaded", kind=kind, document="d").points() == 0

    def test_a_chat_with_service_brings_30_once(self, lead: Story) -> None:
        assert lead.did("chat_started").did("chat_started", day(1)).points() == 30

    def test_the_home_page_brings_5_once(self, lead: Story) -> None:
        for _ in range(2):
            lead.did("page_viewed", kind="home", path="/")
        assert lead.points() == 5

    @pytest.mark.parametrize("kind", ["price", "solution", "article", ""])
    def test_other_pages_bring_nothing(self, lead: Story, kind: str) -> None:
        assert lead.did("page_viewed", kind=kind, path="/x").points() == 0

    def test_a_click_brings_5_once(self, lead: Story) -> None:
        for message in "ab":
            lead.did("email_link_clicked", message=message, link="l")
        assert lead.points() == 5

    def test_who_they_are_brings_nothing(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma", title_level="cxo", size="500_plus", region="cn")
        assert lead.points() == 0


class TestTheExamplesOfS4:
    def test_a_proposal_opened_several_times_in_seven_days_and_an_offline_event_are_a(
        self, lead: Story
    ) -> None:
        """A级(>80分): 7天内多次打开产品方案 + 参加线下活动."""
        opens_proposal(lead, 0, 2, 5).did("live_event_attended", day(6), live_event="fair", offline=True)
        assert (lead.points(), lead.tier()) == (85, "A")

    def test_a_white_paper_and_a_chat_with_service_are_b(self, lead: Story) -> None:
        """B级(60-80分): 下载白皮书 + 官网咨询客服."""
        lead.did("document_downloaded", kind="white_paper", document="a").did("chat_started", day(1))
        assert (lead.points(), lead.tier()) == (60, "B")

    def test_nothing_but_the_home_page_is_c_or_d(self, lead: Story) -> None:
        """C/D级: 仅访问首页."""
        lead.did("page_viewed", kind="home", path="/")
        assert (lead.points(), lead.tier()) == (5, "D")

    def test_a_single_click_is_c_or_d(self, lead: Story) -> None:
        """C/D级: 单次点击."""
        lead.did("email_link_clicked", message="m", link="l")
        assert (lead.points(), lead.tier()) == (5, "D")


class TestTiersC6:
    @pytest.mark.parametrize(
        ("acts", "points", "tier"),
        [
            ([], 0, "D"),
            (["home", "click"], 10, "D"),
            (["paper"], 30, "C"),
            (["event", "home", "click"], 50, "C"),
            (["proposal", "home", "click"], 55, "C"),
            (["paper", "chat"], 60, "B"),
            (["event", "paper", "home", "click"], 80, "B"),
            (["proposal", "event"], 85, "A"),
            (["proposal", "event", "paper", "chat", "home", "click"], 155, "A"),
        ],
    )
    def test_d_ends_below_30_c_below_60_b_at_80_and_a_lies_above(
        self, lead: Story, acts: list[str], points: int, tier: str
    ) -> None:
        for act in acts:
            match act:
                case "home":
                    lead.did("page_viewed", kind="home", path="/")
                case "click":
                    lead.did("email_link_clicked", message="m", link="l")
                case "paper":
                    lead.did("document_downloaded", kind="white_paper", document="a")
                case "chat":
                    lead.did("chat_started")
                case "event":
                    lead.did("live_event_attended", live_event="fair", offline=True)
                case "proposal":
                    opens_proposal(lead, 0, 0, 0)
        lead.did("something_else")
        assert (lead.points(), lead.tier()) == (points, tier)

    def test_a_is_for_more_than_80_so_80_is_b_and_a_thousandth_more_is_a(self, lead: Story) -> None:
        assert [(tier.name, tier.enter) for tier in lead.model.tiers] == [
            ("D", None),
            ("C", 30_000),
            ("B", 60_000),
            ("A", 80_001),
        ]


class TestCoolingC12:
    def test_what_they_did_counts_in_full_for_168_hours_then_halves_every_30_days(self, lead: Story) -> None:
        lead.did("chat_started")
        assert [lead.points(at) for at in (START, day(7), day(37), day(67))] == [30, 30, 15, 7.5]

    def test_each_line_names_the_law(self, lead: Story) -> None:
        (line,) = lead.did("chat_started").explanation().lines
        assert line.cooling is not None
        assert line.cooling.name == "half_life"

    def test_a_silent_a_lead_falls_step_by_step_at_each_bound_less_5(self, lead: Story) -> None:
        opens_proposal(lead, 0, 0, 0).did("live_event_attended", live_event="fair", offline=True)
        falls = [crossing for crossing in lead.history(day(400)) if not crossing.event]
        assert [fall.to_tier for fall in falls] == ["B", "C", "D"]
        assert [fall.points for fall in falls] == [75_000, 55_000, 25_000]

    def test_a_tier_is_not_left_before_24_hours_in_it(self, lead: Story) -> None:
        assert lead.model.dwell == 24 * HOUR
