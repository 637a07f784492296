"""What a message adds to the story of its lead."""

from __future__ import annotations

from services.ingest.domain.directory import Directory
from services.ingest.domain.intake import Intake
from services.ingest.domain.story import StoryRow
from services.ingest.handlers.story import tell_story
from shared.contracts.envelope import event_id
from tests.unit.ingest.requests import on_intake
from tests.unit.ingest.test_identity import lead, message, page
from tests.unit.ingest.test_outcomes import outcome


def tell(*intakes: Intake) -> list[StoryRow]:
    """Return the lines of the last message, after all of them."""
    directory, rows = Directory(), []
    for number, intake in enumerate(intakes):
        emissions = on_intake(directory, intake)
        rows = tell_story(directory, intake, emissions, cause=f"{number:032x}")
    return rows


class TestAMessage:
    def test_tells_what_was_done_with_the_id_of_its_event_and_of_its_message(self) -> None:
        (row,) = tell(page("a", messageId="m-1"))
        assert (row.kind, row.text, row.message_id) == (
            "page_viewed",
            "path=/pricing, kind=price; from website",
            "m-1",
        )
        assert row.cause == "0" * 32
        assert row.event == event_id(row.cause, "leadmill.page_viewed.v1", 0)
        assert row.profile == row.lead

    def test_that_captures_a_lead_tells_by_which_kinds_and_what_is_missing(self) -> None:
        (row,) = tell(lead(email="ada@example.com", phone="13800138000", title="CEO"))
        assert row.kind == "lead_captured"
        assert row.text == "from crm; known by email, phone; title_level=cxo; missing name, company"

    def test_that_changes_a_lead_tells_what_changed(self) -> None:
        (row,) = tell(
            lead(external_id="7", title="CEO"),
            lead(external_id="7", email="ada@example.com", industry="互联网"),
        )
        assert row.kind == "lead_changed"
        assert row.text == "from crm; known by email, too; industry=internet; reachable; known to crm"

    def test_that_adds_an_identifier_and_nothing_else_tells_its_kind(self) -> None:
        rows = tell(message(user="u", email="ada@example.com"), message(user="u", browser="b"))
        assert [(row.kind, row.text, row.event) for row in rows] == [
            ("lead_identified", "by anonymous, from website", "")
        ]

    def test_that_joins_two_leads_tells_every_move_and_why(self) -> None:
        rows = tell(
            lead(email="a@example.com"),
            lead(phone="13800138000"),
            lead(email="a@example.com", phone="13800138000"),
        )
        assert rows[0].kind == "lead_merged"
        assert rows[0].text.endswith(": the same phone; from crm")
        assert rows[0].lead != rows[0].profile
        assert f"profile {rows[0].profile[:8]} moves" in rows[0].text

    def test_that_reports_an_outcome_tells_the_amount_as_people_write_it(self) -> None:
        rows = tell(outcome())
        assert [row.kind for row in rows] == ["lead_captured", "opportunity_won"]
        assert rows[1].text == "opportunity=OP-1, amount=288000.00 CNY; from crm"

    def test_names_nobody(self) -> None:
        told = [
            *tell(
                lead(email="ada@example.com", phone="13800138000", name="Ada Lovelace", external_id="x@y.zz")
            ),
            *tell(page("b", path="/u/ada@example.com", email="ada@example.com")),
            *tell(message("track", user="ada@example.com", event="Mailed ada@example.com")),
        ]
        whole = repr(told)
        assert "ada" not in whole.lower()
        assert "13800138000" not in whole
        assert "x@y.zz" not in whole
