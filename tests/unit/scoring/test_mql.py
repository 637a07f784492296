"""Model mql as it ships: every number of C4."""

from __future__ import annotations

import pytest

from tests.unit.scoring.stories import Story, day, hour, shipped


@pytest.fixture
def lead() -> Story:
    return Story(shipped("mql"))


class TestWhoTheyAreC4:
    @pytest.mark.parametrize("industry", ["manufacturing", "internet", "pharma", "technology"])
    def test_a_key_industry_brings_10(self, lead: Story, industry: str) -> None:
        assert lead.is_known_as(industry=industry).points() == 10

    def test_other_and_unknown_industries_bring_nothing(self, lead: Story) -> None:
        assert lead.is_known_as(industry="education").points() == 0

    @pytest.mark.parametrize(("level", "points"), [("manager", 0), ("director", 15), ("vp", 15), ("cxo", 15)])
    def test_director_or_above_brings_15(self, lead: Story, level: str, points: int) -> None:
        assert lead.is_known_as(title_level=level).points() == points

    @pytest.mark.parametrize(("size", "points"), [("50_to_199", 0), ("200_to_499", 10), ("500_plus", 10)])
    def test_a_size_in_target_brings_10(self, lead: Story, size: str, points: int) -> None:
        assert lead.is_known_as(size=size).points() == points

    @pytest.mark.parametrize(
        ("region", "points"),
        [("east_china", 5), ("north_west_china", 5), ("cn-sh", 5), ("cn", 5), ("bavaria", 0), ("cnx", 0)],
    )
    def test_a_covered_region_brings_5(self, lead: Story, region: str, points: int) -> None:
        assert lead.is_known_as(region=region).points() == points


class TestWhatTheyDoC4:
    @pytest.mark.parametrize(("months", "points"), [(0, 20), (1, 20), (3, 0), (None, 0)])
    def test_start_within_a_month_brings_20(self, lead: Story, months: int | None, points: int) -> None:
        assert lead.did("form_submitted", form="trial", start_within_months=months).points() == points

    def test_start_within_a_month_is_behaviour_and_cools_c12(self, lead: Story) -> None:
        lead.did("form_submitted", form="trial", start_within_months=1)
        assert lead.points(day(7 + 30)) == 10

    def test_book_a_demo_clicked_in_a_mail_brings_30(self, lead: Story) -> None:
        assert lead.did("email_link_clicked", message="m", link="l", purpose="book_demo").points() == 30

    def test_other_links_bring_nothing(self, lead: Story) -> None:
        assert lead.did("email_link_clicked", message="m", link="l", purpose="").points() == 0

    def test_a_trial_and_a_demo_request_bring_30_together(self, lead: Story) -> None:
        assert lead.did("trial_requested").did("demo_requested").points() == 30

    @pytest.mark.parametrize(("kind", "points"), [("brochure", 10), ("white_paper", 10), ("quote", 0)])
    def test_brochure_or_white_paper_brings_10(self, lead: Story, kind: str, points: int) -> None:
        assert lead.did("document_downloaded", kind=kind, document="d").points() == points

    def test_several_papers_count_once(self, lead: Story) -> None:
        lead.did("document_downloaded", kind="brochure", document="a")
        assert lead.did("document_downloaded", kind="white_paper", document="b").points() == 10

    @pytest.mark.parametrize(("kind", "points"), [("price", 10), ("solution", 10), ("home", 0), ("", 0)])
    def test_a_price_or_solution_page_brings_10(self, lead: Story, kind: str, points: int) -> None:
        assert lead.did("page_viewed", kind=kind, path="/x").points() == points

    def test_price_and_solution_page_count_once(self, lead: Story) -> None:
        lead.did("page_viewed", kind="price", path="/pricing")
        assert lead.did("page_viewed", kind="solution", path="/solutions").points() == 10


class TestThreeMailsInSevenDaysC4:
    def test_two_mails_bring_nothing(self, lead: Story) -> None:
        lead.did("email_opened", message="a").did("email_opened", hour(1), message="b")
        assert lead.points() == 0

    def test_the_third_brings_5(self, lead: Story) -> None:
        for number, message in enumerate("abc"):
            lead.did("email_opened", day(number), message=message)
        assert lead.points() == 5

    def test_one_mail_opened_three_times_is_one_mail(self, lead: Story) -> None:
        for number in range(3):
            lead.did("email_opened", day(number), message="a")
        assert lead.points() == 0

    def test_exactly_168_hours_are_still_within_seven_days(self, lead: Story) -> None:
        lead.did("email_opened", message="a").did("email_opened", day(1), message="b")
        assert lead.did("email_opened", hour(168), message="c").points() == 5

    def test_a_microsecond_more_is_not(self, lead: Story) -> None:
        lead.did("email_opened", message="a").did("email_opened", day(1), message="b")
        assert lead.did("email_opened", hour(168) + 1, message="c").points() == 0

    def test_more_mails_still_bring_5(self, lead: Story) -> None:
        for number in range(9):
            lead.did("email_opened", hour(number), message=f"m{number}")
        assert lead.points() == 5


class TestTiersC4:
    def test_below_30_is_d(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma", title_level="vp")
        assert (lead.points(), lead.tier()) == (25, "D")

    def test_30_is_c(self, lead: Story) -> None:
        assert lead.did("trial_requested").tier() == "C"

    def test_50_is_b(self, lead: Story) -> None:
        lead.did("trial_requested").did("form_submitted", form="f", start_within_months=1)
        assert (lead.points(), lead.tier()) == (50, "B")

    def test_79_999_would_be_b_and_80_is_a(self, lead: Story) -> None:
        lead.did("trial_requested").did("form_submitted", form="f", start_within_months=1)
        lead.is_known_as(industry="pharma", title_level="cxo")
        assert (lead.points(), lead.tier()) == (75, "B")
        lead.is_known_as(region="east_china")
        assert (lead.points(), lead.tier()) == (80, "A")

    def test_everything_together_is_145(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma", title_level="cxo", size="500_plus", region="east_china")
        lead.did("form_submitted", form="f", start_within_months=1)
        lead.did("email_link_clicked", message="m", purpose="book_demo").did("demo_requested")
        lead.did("document_downloaded", kind="brochure", document="d")
        lead.did("page_viewed", kind="price", path="/pricing")
        for message in "abc":
            lead.did("email_opened", message=message)
        assert lead.points() == 10 + 15 + 10 + 5 + 20 + 30 + 30 + 10 + 10 + 5
