"""The page for newcomers, run as it stands: every command in it, in order, against a real platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operations.front.pages import DOCS, blocks_of, run_blocks
from tests.operations.processes import Running

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(30)]

ENGLISH, CHINESE = DOCS / "first-lead.md", DOCS / "first-lead.zh.md"


def test_the_pages_in_both_languages_give_the_same_commands() -> None:
    assert blocks_of(ENGLISH) == blocks_of(CHINESE)


def test_every_command_on_the_page_does_what_the_page_says(data: Path, tmp_path: Path) -> None:
    start, *blocks = blocks_of(ENGLISH)
    assert start.strip() == ".venv/bin/leadmill up"
    environment = {"LEADMILL_DATA_DIR": str(data / "leadmill"), "LEADMILL_LOG_LEVEL": "warning"}

    with Running(["up"], environment, tmp_path / "log") as platform:
        platform.until("/readyz", status=200)
        done = run_blocks(blocks, port=platform.port, environment=environment, folder=tmp_path)
        code = platform.terminate()

    assert (done.returncode, code) == (0, 0), done.stderr + done.stdout[-3000:]
    assert done.stdout.count('"success":true') == 4
    for told in ("mql: B → A at 80", "lead_assigned", "message_suppressed", "demo_requested"):
        assert told in done.stdout
    assert "ok" in done.stdout.splitlines()[-1]
