"""Leads found, read and put right from the command line, beside a running platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.kernel.instants import format_instant
from tests.journeys.inside.house import House
from tests.journeys.site import Site
from tests.operations.front.beside import Beside

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]


async def test_a_lead_is_found_read_and_put_right(site: Site, database_url: str, tmp_path: Path) -> None:
    # the simulated time of the site is not that of the command: each writes what the other leaves alone
    desk = Beside(database_url, tmp_path, public_url="https://go.example.com")
    await site.capture(email="ada@example.com", name="Ada", external_id="7")
    await site.capture(email="bob@example.com", name="Bob")
    await site.platform.drained()
    (found,) = (await desk.document("leads", "find", "--email", "ada@example.com"))["leads"]
    lead = found["id"]
    assert (await desk("leads", "find", "--email", "nobody@example.com")).code == 1
    done = await desk.document(
        "leads", "change", lead, "--set", "industry=互联网", "--set", "phone=13800138000", "--note", "call",
        "--handover", "purchase_time=3_months", "--reason", "on the phone"
    )  # fmt: skip
    assert [row["corrected"] for row in done["rows"]] == [["industry", "note", "phone"], ["purchase_time"]]
    refused = await desk("leads", "change", lead, "--set", "industry=knitting")
    assert (refused.code, "manufacturing" in refused.out) == (1, True)

    table = tmp_path / "right.csv"
    table.write_text(
        "﻿email_of,industry,remove,note\nada@example.com,教育,phone,\nnobody@example.com,教育,,\n"
        "bob@example.com,,,met Bob\n",
        encoding="utf-8",
    )
    many = await desk("leads", "change", "--file", str(table))
    assert many.code == 1
    assert "2 corrected, 0 unchanged, 1 refused" in many.out
    assert "row 3" in many.out

    table.write_text(
        "email_of,industry,put_tags,take_tags,invalid,valid,reason\n"
        "ada@example.com,零售,price_sensitive uses_competitor,,spam,,\n"
        "bob@example.com,零售,nonsense,,,,\n"
        "bob@example.com,,,,rude,,\n",
        encoding="utf-8",
    )
    many = await desk("leads", "change", "--file", str(table), "--json")
    rows = many.document["rows"]
    assert [(row["verdict"], row["corrected"], row["code"]) for row in rows] == [
        ("corrected", ["industry", "tags", "validity"], None),
        ("refused", [], "tag.unknown"),
        ("refused", [], "lead.reason_unknown"),
    ]
    shown = await desk.document("leads", "show", lead)
    assert (shown["is_invalid"], {one["by"] for one in shown["tags"] if one["by"]}) == (
        True,
        {"command line"},
    )
    again = await desk.document("leads", "change", lead, "--valid", "--take-tag", "uses_competitor")
    assert [row["corrected"] for row in again["rows"]] == [["tags", "validity"]]
    taken = await desk.document(
        *("leads", "change", lead, "--set", "industry=教育", "--take-tag", "price_sensitive")
    )
    assert taken["rows"][0]["corrected"] == ["industry", "tags"]

    shown = await desk.document("leads", "show", lead)
    assert not shown["is_invalid"]
    assert shown["attributes"]["industry"]["value"] == "education"
    assert shown["contact"]["known"]["phone"]["value"] is None
    assert [(one["by"], one["text"]) for one in shown["contact"]["notes"]] == [("command line", "call")]
    assert "call" in (await desk("leads", "show", lead)).out
    assert (await desk("leads", "show", "0" * 32)).code == 2


@pytest.mark.thorough
async def test_where_a_lead_is_that_somebody_submitted(site: Site, database_url: str, tmp_path: Path) -> None:
    desk = Beside(database_url, tmp_path, public_url="https://go.example.com")
    await site.submit(_form="spring", email="ada@example.com", name="Ada")
    await site.platform.drained()
    at = format_instant(site.now)
    (lead,) = [one["id"] for one in await site.find(email="ada@example.com")]
    told = await desk.document("explain", "--at", at, "--email", "ada@example.com", "--form", "spring")
    assert [one["lead"] for one in told["found"]] == [lead]
    assert told["leads"][lead]["scoring"]
    plain = await desk("explain", "--at", at, "--form", "spring", "--lang", "zh")
    assert (plain.code, f"已接收，新建了线索 {lead}。" in plain.out, "评分" in plain.out) == (0, True, True)
    nothing = await desk("explain", "--at", at, "--form", "winter")
    assert (nothing.code, "Nothing that fits reached us" in nothing.out) == (1, True)
    assert (await desk("explain", "--at", "soon")).code == 2

    await House(site).do("/v1/erasures", {"lead": lead}, by="admin")
    await site.platform.drained()
    shown = (await desk("erasure", "show", lead)).out
    for kept in ("leadmill.raw", "leadmill.contacts", "ingest.quarantine"):
        assert any(line.startswith(kept) and "aged out by" in line for line in shown.splitlines()), shown
