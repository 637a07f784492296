"""``leadmill models``: a version from its draft to live and back, beside a running platform."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.journeys.site import Site
from tests.operations.front.beside import Beside
from tests.operations.processes import Answer
from tests.services.scoring.life.desk import five_step

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]

WHY = ("--why", "sales asked for it", "--by", "Ann")
MODEL = "five_step"


class Desk:
    """The command, about one model."""

    def __init__(self, beside: Beside, folder: Path) -> None:
        self._beside = beside
        self._folder = folder

    async def __call__(self, step: str, *arguments: str) -> Answer:
        return await self._beside("models", step, *arguments)

    async def says(self, step: str, *arguments: str) -> str:
        """What a step that is taken prints."""
        done = await self(step, MODEL, *arguments)
        assert done.code == 0, done.err
        return done.out

    async def refuses(self, step: str, *arguments: str, code: int) -> str:
        """What a step that is refused says, in one line."""
        done = await self(step, MODEL, *arguments)
        assert (done.code, done.out) == (code, ""), (done.out, done.err)
        return done.error_lines[-1]

    async def draft(self, text: str) -> Answer:
        """Hand a document in."""
        file = self._folder / "draft.yaml"
        file.write_text(text, encoding="utf-8")
        return await self("draft", MODEL, str(file), *WHY)


async def everybody_is_warm(site: Site) -> None:
    """Two leads of 35 points."""
    for number in range(2):
        await site.capture(
            email=f"p{number}@example.com", industry="制药", title_level="director", size="500_plus"
        )
    await site.platform.drained()


async def all_are_renewed(site: Site) -> None:
    """Everybody is under what rules; the pass is a job of the platform's, and its clocks are simulated."""
    while True:
        await site.platform.drained()
        answer = await site.api.get(f"/scoring/v1/models/{MODEL}")
        if answer.json()["renewing"]["done"]:
            return
        await asyncio.sleep(0.2)


async def refuses_what_cannot_be(desk: Desk) -> None:
    """Whatever cannot be is refused with what to do, and prints nothing else."""
    for arguments, code, says in [
        (("show", "nobody"), 2, "no scoring model of this name"),
        (("preview", MODEL, "9"), 2, "no such version"),
        (("publish", MODEL, "1", *WHY), 2, "It is so already"),
        (("compare", MODEL), 2, "shadow"),
        (("share", MODEL, "1", "101", *WHY), 2, "less than or equal to 100"),
        (("publish", MODEL, "1"), 2, "--why"),
        (("rollback", MODEL, *WHY), 2, "nothing to go back to"),
    ]:
        done = await desk(*arguments)
        assert (done.code, says in done.err, done.out) == (code, True, ""), (arguments, done)


@pytest.mark.thorough
async def test_a_version_goes_from_its_draft_to_live_and_back(
    site: Site, database_url: str, tmp_path: Path
) -> None:
    desk = Desk(Beside(database_url, tmp_path, public_url="https://go.example.com"), tmp_path)
    await refuses_what_cannot_be(desk)
    await everybody_is_warm(site)
    listed = (await desk("list", "--json")).document["models"]
    assert {"five_step", "mql", "key_account"} <= {one["model"] for one in listed}
    assert "name: five_step" in await desk.says("show", "--version", "1")

    faulty = await desk.draft(
        five_step(2).replace("director", "directr").replace("page_viewed", "page_vewed")
    )
    assert (faulty.code, faulty.err.count("groups[") >= 2) == (2, True), faulty.err
    assert "five_step version 2: drafted" in (await desk.draft(five_step(2, warm=40))).out
    assert "tried on leads yet; validate it first" in await desk.refuses("publish", "2", *WHY, code=2)
    assert "tried on 2 leads with 2 facts: cold 2" in await desk.says("validate", "2", *WHY)

    counted = await desk.says("preview", "2")
    assert "2 leads: 2 would change, 0 up, 2 down" in counted
    assert "Publishing tells nobody of these 2 changes" in counted

    await desk.says("shadow", "2", *WHY)
    assert "version 2:" in await desk.says("compare")
    await desk.says("shadow", "0", *WHY)
    assert "shared, 50 %" in await desk.says("share", "2", "50", *WHY)
    assert "A rollback ends the share of version 2" in await desk.says("show")
    await desk.says("rollback", *WHY)
    await all_are_renewed(site)

    asked = await desk("publish", MODEL, "2", *WHY, "--tell-past")
    assert (asked.code, "2 changes of tier and 0 activations will be told; go on?" in asked.err) == (1, True)
    told = await desk.says("publish", "2", *WHY, "--tell-past", "--yes")
    assert "counted beforehand: 0 up, 2 down of 2 leads" in told
    await all_are_renewed(site)
    assert "仍以为后来的级别有效" in await desk.says("show", "--lang", "zh")
    asked = await desk("rollback", MODEL, *WHY)
    assert (asked.code, "believing the later tier" in asked.err) == (1, True)
    assert "five_step version 1: rolled back" in await desk.says("rollback", *WHY, "--yes")

    steps = (await desk("history", MODEL, "--json")).document["steps"]
    assert [(one["step"], one["by"]) for one in steps] == [
        (step, "Ann")
        for step in (
            *("shipped", "drafted", "validated", "shadowed", "shadow_ended", "shared", "rolled_back"),
            *("published", "rolled_back"),
        )
    ]
    assert {one["why"] for one in steps[1:]} == {"sales asked for it"}
