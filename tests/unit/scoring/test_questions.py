"""C13: anyone can ask why, and as of when."""

from __future__ import annotations

import pytest

from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import explain_state, score_at
from tests.unit.scoring.stories import BOTH, START, Story, day, hour, shipped


@pytest.fixture
def lead() -> Story:
    lead = Story(shipped("five_step")).is_known_as(industry="pharma", title_level="manager")
    return lead.did("document_downloaded", day(1), kind="white_paper", document="a").did(
        "demo_requested", day(2)
    )


class TestWhyC13:
    def test_each_line_names_rule_points_event_and_since_when(self, lead: Story) -> None:
        lines = lead.explanation(day(2)).lines
        assert [(line.rule, line.display_points, line.event, line.granted) for line in lines] == [
            ("demo_requested", 20.0, "f002", day(2)),
            ("target_industry", 10.0, "f000", START),
            ("white_paper_downloaded", 10.0, "f001", day(1)),
        ]

    def test_each_line_names_its_object_and_its_law_of_cooling(self, lead: Story) -> None:
        by_rule = {line.rule: line for line in lead.explanation(day(2)).lines}
        assert by_rule["white_paper_downloaded"].object == "a"
        assert by_rule["white_paper_downloaded"].cooling is not None
        assert by_rule["target_industry"].cooling is None

    def test_a_line_that_cooled_still_tells_what_it_was_granted(self, lead: Story) -> None:
        line = next(line for line in lead.explanation(day(39)).lines if line.rule == "demo_requested")
        assert (line.points, line.granted_points) == (10_000, 20_000)

    def test_what_a_cap_takes_is_taken_from_the_oldest(self) -> None:
        lead = Story(shipped("five_step"))
        for number in range(7):
            lead.did("email_opened", hour(number), message=f"m{number}")
        lines = lead.explanation().lines
        assert {line.object for line in lines} == {"m2", "m3", "m4", "m5", "m6"}
        assert sum(line.points for line in lines) == 10_000


class TestAsOf:
    def test_facts_count_from_when_they_occurred(self, lead: Story) -> None:
        assert [lead.points(at) for at in (START - 1, START, day(1) - 1, day(1), day(2))] == [
            0,
            10,
            10,
            20,
            40,
        ]

    def test_before_anything_occurred_a_lead_is_in_the_lowest_tier(self, lead: Story) -> None:
        score = lead.score(START - 1)
        assert (score.tier, score.tier_since) == ("cold", None)

    def test_what_was_known_then_is_asked_with_the_facts_received_by_then(self) -> None:
        facts = [
            Fact("a", "p", START, START, "demo_requested", {}),
            Fact("b", "p", START, day(5), "attributes", {"industry": "pharma"}),
        ]
        known = [fact for fact in facts if fact.received <= day(1)]
        assert [score_at(BOTH, which, as_of=day(1))[0].points for which in (facts, known)] == [30_000, 20_000]

    def test_a_state_does_not_pretend_to_know_the_past(self, lead: Story) -> None:
        with pytest.raises(ValueError, match="explain_at"):
            explain_state(lead.models, lead.state(), as_of=START)
