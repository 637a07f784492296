"""What people wrote that stands for nothing, from the report to the score, beside a running platform."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.site import Site
from tests.operations.front.beside import Beside

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]


def rules_of(why: dict[str, Any]) -> set[str]:
    return {line["rule"] for line in why["lines"]}


async def read_anew(site: Site, desk: Beside) -> None:
    """Wait until what was said before is read anew, and everybody has heard of it."""
    async with asyncio.timeout(120):
        while not (await desk.document("choices", "show"))["reading_anew"]["done"]:
            await asyncio.sleep(0.1)
    await site.platform.drained()


@pytest.mark.thorough
async def test_a_spelling_is_found_in_the_report_added_and_taken_back(
    site: Site, database_url: str, tmp_path: Path
) -> None:
    desk = Beside(database_url, tmp_path, public_url="https://go.example.com")
    for number in range(3):
        await site.capture(email=f"p{number}@example.com", industry="智造" if number else "弄堂")
    await site.pass_time(days=1)
    listed = (await desk.document("choices", "unmatched", "--attribute", "industry"))["unmatched"]
    assert [(one["text"], one["times"]) for one in listed] == [("智造", 2), ("弄堂", 1)]
    assert "智造" in (await desk("choices", "unmatched")).out

    lead = await site.lead_of(email="p1@example.com")
    assert rules_of(await site.why(lead, "five_step")) == {"other_industry"}

    done = await desk.document("choices", "add", "industry", "智造", "manufacturing")
    assert (done["value"], done["stood_for"]) == ("manufacturing", "other")
    refused = await desk("choices", "add", "industry", "智造", "knitting")
    assert (refused.code, "real_estate" in refused.err) == (2, True)
    shown = await desk.document("choices", "show", "industry")
    assert [(one["spelling"], one["added_by"]) for one in shown["choices"][0]["added"]] == [
        ("智造", "command line")
    ]
    assert "智造 (command line" in (await desk("choices", "show", "industry")).out
    left = (await desk.document("choices", "unmatched"))["unmatched"]
    assert [one["text"] for one in left] == ["弄堂"]

    await read_anew(site, desk)
    assert rules_of(await site.why(lead, "five_step")) == {"target_industry"}

    assert (await desk("choices", "remove", "industry", "智造")).code == 0
    await read_anew(site, desk)
    assert rules_of(await site.why(lead, "five_step")) == {"other_industry"}
    assert (await desk("choices", "remove", "industry", "智造")).code == 2
    again = (await desk.document("choices", "unmatched"))["unmatched"]
    assert [one["text"] for one in again] == ["智造", "弄堂"]
