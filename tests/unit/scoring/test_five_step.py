"""Model five_step as it ships: every number of C5 and C2."""

from __future__ import annotations

import pytest

from tests.unit.scoring.stories import Story, day, shipped


@pytest.fixture
def lead() -> Story:
    return Story(shipped("five_step"))


class TestWhoTheyAreC5:
    @pytest.mark.parametrize("industry", ["manufacturing", "internet", "pharma", "technology"])
    def test_a_target_industry_brings_10(self, lead: Story, industry: str) -> None:
        assert lead.is_known_as(industry=industry).points() == 10

    @pytest.mark.parametrize(("level", "points"), [("director", 15), ("vp", 15), ("cxo", 15), ("manager", 0)])
    def test_a_director_vp_or_cxo_brings_15(self, lead: Story, level: str, points: int) -> None:
        assert lead.is_known_as(title_level=level).points() == points

    @pytest.mark.parametrize(
        ("size", "points"), [("under_50", 0), ("50_to_199", 0), ("200_to_499", 10), ("500_plus", 10)]
    )
    def test_200_people_or_more_bring_10(self, lead: Story, size: str, points: int) -> None:
        assert lead.is_known_as(size=size).points() == points

    def test_everything_that_is_known_adds_up(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma", title_level="vp", size="500_plus")
        assert lead.points() == 35

    def test_fit_never_cools_c12(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma", title_level="vp", size="500_plus")
        assert lead.points(day(3650)) == 35


class TestPointsMayBeNegativeC2:
    def test_a_student_or_intern_loses_20(self, lead: Story) -> None:
        assert lead.is_known_as(student=True).points() == -20

    def test_somebody_who_is_no_student_loses_nothing(self, lead: Story) -> None:
        assert lead.is_known_as(student=False).points() == 0

    def test_outside_the_target_industries_loses_10(self, lead: Story) -> None:
        assert lead.is_known_as(industry="education").points() == -10

    def test_an_unknown_industry_neither_earns_nor_costs(self, lead: Story) -> None:
        assert lead.is_known_as(industry=None, region="east_china").points() == 0

    def test_a_score_below_zero_is_cold_for_the_lowest_tier_is_open_downwards(self, lead: Story) -> None:
        lead.is_known_as(student=True, industry="education")
        assert (lead.points(), lead.tier()) == (-30, "cold")


class TestWhatTheyDoC5:
    def test_a_demo_request_brings_20_once(self, lead: Story) -> None:
        lead.did("demo_requested").did("demo_requested", day(1))
        assert lead.points() == 20

    def test_a_price_page_brings_15_once(self, lead: Story) -> None:
        lead.did("page_viewed", kind="price", path="/pricing").did("page_viewed", kind="price", path="/plans")
        assert lead.points() == 15

    def test_other_pages_bring_nothing(self, lead: Story) -> None:
        lead.did("page_viewed", kind="home", path="/").did("page_viewed", kind="", path="/jobs")
        assert lead.points() == 0

    def test_each_white_paper_brings_10_once(self, lead: Story) -> None:
        for paper in ("a", "a", "b", "c"):
            lead.did("document_downloaded", kind="white_paper", document=paper)
        assert lead.points() == 30

    def test_a_brochure_is_no_white_paper(self, lead: Story) -> None:
        assert lead.did("document_downloaded", kind="brochure", document="a").points() == 0

    def test_each_mail_opened_brings_2_once(self, lead: Story) -> None:
        for message in ("m1", "m1", "m1", "m2"):
            lead.did("email_opened", message=message)
        assert lead.points() == 4

    def test_opens_bring_at_most_10(self, lead: Story) -> None:
        for number in range(9):
            lead.did("email_opened", message=f"m{number}")
        assert lead.points() == 10

    def test_each_article_brings_1_once(self, lead: Story) -> None:
        for path in ("/blog/a", "/blog/a", "/blog/b"):
            lead.did("page_viewed", kind="article", path=path)
        assert lead.points() == 2

    def test_articles_bring_at_most_5(self, lead: Story) -> None:
        for number in range(8):
            lead.did("page_viewed", kind="article", path=f"/blog/{number}")
        assert lead.points() == 5

    def test_behaviour_points_are_told_apart_from_fit_n6(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma").did("demo_requested")
        assert lead.score().behaviour == 20_000


class TestTiersC5:
    def test_30_is_cold(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma").did("demo_requested")
        assert (lead.points(), lead.tier()) == (30, "cold")

    def test_31_is_warm(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma").did("demo_requested")
        lead.did("page_viewed", kind="article", path="/blog/a")
        assert (lead.points(), lead.tier()) == (31, "warm")

    def test_60_is_warm(self, lead: Story) -> None:
        lead.is_known_as(title_level="cxo", industry="pharma").did("demo_requested")
        lead.did("page_viewed", kind="price", path="/pricing")
        assert (lead.points(), lead.tier()) == (60, "warm")

    def test_61_is_hot(self, lead: Story) -> None:
        lead.is_known_as(title_level="cxo", industry="pharma").did("demo_requested")
        lead.did("page_viewed", kind="price", path="/pricing")
        lead.did("page_viewed", kind="article", path="/blog/a")
        assert (lead.points(), lead.tier()) == (61, "hot")

    def test_rising_30_9_is_still_cold_c12(self, lead: Story) -> None:
        """30.9: fit 10, a demo that has cooled a little, and articles."""
        lead.is_known_as(industry="pharma").did("demo_requested")
        lead.did("page_viewed", day(7.5), kind="article", path="/blog/a")
        points = lead.points(day(7.5))
        assert 30 < points < 31
        assert lead.tier(day(7.5)) == "cold"
        lead.did("page_viewed", day(7.5), kind="article", path="/blog/b")
        assert lead.tier(day(7.5)) == "warm"
