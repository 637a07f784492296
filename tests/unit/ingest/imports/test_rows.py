"""Rows: which column fills which field, and what a row says or why it says nothing (I1, I8, I11)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.ingest.domain.imports.cells import Number
from services.ingest.domain.imports.columns import (
    ColumnMatcher,
    ColumnsMissing,
    ColumnUnknown,
    FieldUnknown,
)
from services.ingest.domain.imports.definitions import KINDS, TableKind
from services.ingest.domain.imports.faults import ADVICE, REFUSALS, RowFault, advise
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.domain.imports.rows import Row
from services.ingest.domain.imports.survey import ColumnWatch, find_manner, warn_of_columns
from services.ingest.domain.imports.template import make_template
from services.ingest.domain.intake import Intake
from services.ingest.providers.spreadsheets.templates import write_template
from shared.contracts.events.raw import RawReceived
from tests.unit.ingest.imports.tables import NAMES, NOW, read_all, read_row, read_rows, rules
from tests.unit.ingest.requests import make_reader


def match(kind: TableKind, *headings: str, said: Any = None, saved: Any = None) -> dict[str, str | None]:
    matcher = ColumnMatcher(kind, rules().kinds[kind], names=NAMES)
    return {one.heading: one.field for one in matcher.match(headings, said=said or {}, saved=saved or {})}


class TestColumns:
    def test_headings_in_both_languages_and_their_other_names_are_known(self) -> None:
        english = match("leads", "Lead ID", "E-Mail Address", "Mobile Phone", "Company Size", "Created At")
        chinese = match("leads", "客户编号", "邮箱", "手机号", "公司规模", "创建时间")
        assert list(english.values()) == list(chinese.values())
        assert list(english.values()) == ["external_id", "email", "phone", "size", "occurred_at"]

    def test_a_column_that_nobody_knows_is_kept_under_its_heading(self) -> None:
        told = match("leads", "E-mail", "Favourite colour")
        assert told == {"E-mail": "email", "Favourite colour": None}
        row = read_row("leads", **{"E-mail": "a@b.cn", "Favourite colour": "blue"})
        assert row.body == {"Favourite colour": "blue", "email": "a@b.cn"}

    def test_the_second_column_of_one_field_is_kept_as_text(self) -> None:
        assert match("leads", "Lead Number", "Prospect ID") == {
            "Lead Number": "external_id",
            "Prospect ID": None,
        }

    def test_columns_without_a_heading_or_of_the_same_have_names_of_their_own(self) -> None:
        assert list(match("leads", "E-mail", "", "Note", "note", "Note")) == [
            *("E-mail", "Column 2", "Note", "note", "Note (2)")
        ]

    def test_what_was_said_beats_what_was_saved_and_that_the_heading(self) -> None:
        saved = {"Who": "phone", "E-mail": "-"}
        assert match("leads", "Who", "E-mail", "ID", saved=saved) == {
            "Who": "phone",
            "E-mail": "-",
            "ID": "external_id",
        }
        said = match("leads", "Who", "E-mail", "ID", said={"who": "邮箱"}, saved=saved)
        assert said["Who"] == "email"

    def test_a_wrong_word_about_a_column_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(ColumnUnknown, match="there are E-mail, Name"):
            match("leads", "E-mail", "Name", said={"Mail": "email"})
        with pytest.raises(FieldUnknown, match="external_id"):
            match("leads", "E-mail", said={"E-mail": "shoe_size"})

    @pytest.mark.parametrize(
        ("kind", "headings"),
        [
            ("leads", ["Name", "Company"]),
            ("events", ["E-mail", "Date"]),
            ("outcomes", ["Amount", "Opportunity"]),
            ("costs", ["Day", "Campaign", "Amount"]),
            ("suppressions", ["Name"]),
        ],
    )
    def test_a_table_that_lacks_what_its_rows_need_says_what_and_how_to_name_it(
        self, kind: TableKind, headings: list[str]
    ) -> None:
        with pytest.raises(ColumnsMissing, match="--map"):
            match(kind, *headings)

    def test_swapped_columns_are_seen(self) -> None:
        matcher = ColumnMatcher("leads", rules().kinds["leads"], names=NAMES)
        columns = matcher.match(["Phone", "E-mail"], said={}, saved={})
        watch = ColumnWatch(columns)
        for number in range(10):
            watch.look([f"a{number}@example.com", f"1380013800{number}"])
        assert [(one.column, one.code) for one in watch.warnings()] == [
            ("Phone", "holds_addresses"),
            ("E-mail", "holds_numbers"),
        ]
        manner = find_manner(columns, [], ImportOptions())
        assert warn_of_columns(columns, manner) == []


class TestLeads:
    def test_a_row_becomes_a_lead_with_when_it_was(self) -> None:
        row = read_row(
            "leads",
            姓名="张伟",
            手机=Number(13800138000.0),
            预算="1.234,56",
            日期="2026-03-09",
        )
        assert row == Row(
            2,
            {
                "name": "张伟",
                "phone": "13800138000",
                "budget_band": "1234.56",
                "timestamp": "2026-03-09T00:00:00+08:00",
            },
            *("", row.content, False, "", ""),
        )

    def test_i11_rows_older_than_seven_days_are_history_unless_somebody_says_else(self) -> None:
        ages = [("2026-03-02", True), ("2026-03-03 11:00", False), ("2026-03-09", False)]
        for date, is_history in ages:
            assert read_row("leads", Email="a@b.cn", Date=date).is_history is is_history
            assert read_row("leads", Email="a@b.cn", Date=date, mode="new").is_history is False
            assert read_row("leads", Email="a@b.cn", Date=date, mode="history").is_history is True
        assert read_row("leads", Email="a@b.cn").is_history is False

    def test_i11_owner_and_status_stand_beside_history_and_are_text_of_what_is_new(self) -> None:
        given = {"Email": "a@b.cn", "Owner": "rep-2", "Status": "跟进中"}
        old = read_row("leads", **given, mode="history")
        assert (old.owner, old.status, old.body) == ("rep-2", "contacted", {"email": "a@b.cn"})
        new = read_row("leads", **given)
        assert (new.owner, new.status) == ("", "")
        assert new.body == {"email": "a@b.cn", "owner": "rep-2", "status": "contacted"}

    def test_an_owner_who_is_no_rep_by_id_is_kept_as_text(self) -> None:
        row = read_row("leads", Email="a@b.cn", Owner="王芳", mode="history")
        assert (row.owner, row.body["owner"]) == ("", "王芳")

    def test_a_row_is_about_its_external_id_whatever_else_it_says(self) -> None:
        rows = read_rows("leads", ["ID", "Name"], ["7", "Ada"], [Number(7.0), "Ada B"], ["", "Ada"])
        first, second, third = rows
        assert isinstance(first, Row)
        assert isinstance(second, Row)
        assert isinstance(third, Row)
        assert first.key == second.key == "7"
        assert first.content != second.content
        assert third.key == ""

    def test_an_empty_row_is_none(self) -> None:
        assert read_rows("leads", ["Name", "Phone"], [], ["", None], ["  "]) == [None, None, None]


class TestOtherTables:
    def test_i1_an_event_carries_its_name_and_who_was_there(self) -> None:
        row = read_row("events", 活动="2026 春季展会", 手机="13800138000", 姓名="张伟", 线下="是")
        assert row.body == {
            "event": "Live Event Attended",
            "lead": {"phone": "13800138000"},
            "traits": {"name": "张伟"},
            "properties": {"live_event": "2026 春季展会", "offline": "是"},
        }

    def test_an_event_may_be_named_for_all_rows(self) -> None:
        (row,) = read_rows("events", ["Email", "Event"], ["a@b.cn", ""], event="Expo")
        assert isinstance(row, Row)
        assert row.body["properties"] == {"live_event": "Expo"}
        assert read_rows("events", ["Email", "What happened"], ["a@b.cn", "Demo Requested"]) != []

    def test_i8_an_outcome_has_an_amount_in_a_currency(self) -> None:
        row = read_row("outcomes", 结果="赢单", 商机编号="OP-1", 金额="¥ 288,000", 线索编号="LD-7")
        assert row.body == {
            "kind": "赢单",
            "opportunity": "OP-1",
            "amount": "288000",
            "currency": "CNY",
            "external_id": "LD-7",
        }

    def test_i8_a_cost_is_about_its_day_campaign_channel_and_kind(self) -> None:
        given = {"Day": "2026-03-02", "Campaign": "spring", "Channel": "paid_search", "Kind": "ads"}
        first = read_row("costs", **given, Amount="1,200.00")
        again = read_row("costs", **given, Amount="1,300.00")
        assert first.key == again.key != ""
        assert first.content != again.content
        assert first.body["day"] == "2026-03-02"

    def test_a_payment_with_a_number_is_about_that_payment(self) -> None:
        row = read_row("outcomes", Kind="payment", Opportunity="OP-1", **{"Payment ID": "P-9"}, Amount="5")
        assert "P-9" in row.key

    def test_i8_an_outcome_is_known_by_its_opportunity_by_what_happened_and_when(self) -> None:
        rows = read_rows(
            "outcomes",
            ["结果", "商机编号", "金额", "阶段", "日期"],
            ["赢单", "OP-1", "100", "", "2026-03-02"],
            ["赢单", "OP-1", "250", "", "2026-03-02"],
            ["赢单", "OP-1", "100", "", "2026-03-09"],
            ["输单", "OP-1", "", "", "2026-03-02"],
            ["阶段变更", "OP-1", "", "proposal", "2026-03-02"],
            ["赢单", "OP-2", "100", "", "2026-03-02"],
            currency="CNY",
        )
        won, corrected, *others = [(row.key, row.content) for row in rows if isinstance(row, Row)]
        assert won[0] == corrected[0] != ""
        assert won[1] != corrected[1]
        assert len({won[0], *(key for key, _ in others)}) == 5

    def test_a_suppression_takes_consent_away_and_is_always_history(self) -> None:
        row = read_row("suppressions", Email="a@b.cn", Date="2025-11-20")
        assert (row.body["event"], row.body["properties"]) == ("Unsubscribed", {"delivery_channel": "email"})
        assert row.is_history


class TestRefusals:
    @pytest.mark.parametrize(
        ("kind", "cells", "fault"),
        [
            ("leads", {"Email": "a@b.cn", "手机": "1.38E+10"}, RowFault("手机", "number.rounded")),
            ("leads", {"Email": "a@b.cn", "Date": "soon"}, RowFault("Date", "date.unreadable")),
            ("leads", {"Email": "a@b.cn", "Date": "02/03/2026"}, RowFault("Date", "date.ambiguous")),
            ("leads", {"Email": "a@b.cn", "Status": "sleeping"}, RowFault("Status", "status.unknown")),
            ("leads", {"Email": "a@b.cn", "Name": "A\ufffdda"}, RowFault("Name", "row.broken_text")),
            (
                "leads",
                {"Email": "a@b.cn", **{f"n{i}": "x" * 2000 for i in range(13)}},
                RowFault("", "row.too_large"),
            ),
            (
                "outcomes",
                {"Kind": "won", "Deal": "1", "Amount": "lots"},
                RowFault("Amount", "amount.unreadable"),
            ),
            (
                "outcomes",
                {"Kind": "won", "Deal": "1", "Amount": "1.234"},
                RowFault("Amount", "amount.ambiguous"),
            ),
            (
                "outcomes",
                {"Kind": "won", "Deal": "1", "Amount": "5", "Currency": "gold"},
                RowFault("Currency", "currency.unknown"),
            ),
            (
                "outcomes",
                {"Kind": "won", "Deal": "1", "Amount": "5 gold"},
                RowFault("Amount", "currency.unknown"),
            ),
            ("events", {"Email": "a@b.cn", "Name": "Ada", "Event": ""}, RowFault("", "event.missing")),
        ],
    )
    def test_a_row_names_its_column_and_the_one_reason(
        self, kind: TableKind, cells: dict[str, Any], fault: RowFault
    ) -> None:
        assert read_row(kind, **cells) == fault

    def test_every_reason_says_what_to_do_in_both_languages(self) -> None:
        assert ADVICE["en"].keys() == ADVICE["zh"].keys()
        for language in ("en", "zh"):
            for code in ADVICE["en"]:
                assert all(advise(code, language))
        assert {one.code for one in REFUSALS.values()} <= ADVICE["en"].keys()


class TestTemplates:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("is_xlsx", [True, False])
    def test_i1_a_template_as_it_comes_is_read_and_its_example_understood(
        self, kind: TableKind, language: Any, is_xlsx: bool
    ) -> None:
        template = make_template(rules(), kind, language=language)
        headings, rows = read_all(write_template(template, language=language, is_xlsx=is_xlsx))
        assert set(match(kind, *headings).values()) == {one.field for one in rules().kinds[kind].fields}
        (row,) = read_rows(kind, headings, rows[0].cells)
        assert isinstance(row, Row)
        channel: Any = {"leads": "lead", "outcomes": "outcome", "costs": "cost"}.get(kind, "event")
        raw = RawReceived(
            source="fair", channel=channel, kind=channel, body=msgspec.json.encode(row.body).decode()
        )
        reading = make_reader().on_raw_received(raw, record_id="0" * 32, received=NOW)
        assert isinstance(reading, Intake), reading

    def test_i1_the_template_of_events_carries_the_events_name_and_its_blank_rows_are_empty(self) -> None:
        template = make_template(rules(), "events", language="zh", event="2026 春季展会")
        headings, rows = read_all(write_template(template, language="zh", is_xlsx=True))
        assert headings[0] == "活动名称"
        assert {row.cells[0] for row in rows} == {"2026 春季展会"}
        assert read_rows("events", headings, rows[0].cells) == [None]
        filled = [*rows[0].cells, *[None] * (len(headings) - 1)]
        filled[headings.index("手机")] = "13800138000"
        (row,) = read_rows("events", headings, filled)
        assert isinstance(row, Row)
        assert row.body["properties"]["live_event"] == "2026 春季展会"
