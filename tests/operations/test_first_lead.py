"""The page for newcomers, run as it stands: every command in it, in order, against a real platform."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.operations.front.pages import DOCS, blocks_of, run_blocks
from tests.operations.processes import Running

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(30)]

TOLD = ("lead_assigned", "demo_requested")
"""A shell is faster than a reader: if her request is learnt in one go with what came before, she was no B."""
ENGLISH, CHINESE = DOCS / "first-lead.md", DOCS / "first-lead.zh.md"


def patient(block: str) -> str:
    """The block, but waiting for what it shows as long as that takes here."""
    _, find, explain, *rest = block.splitlines()
    assert (find[:5], explain[:23]) == ("LEAD=", ".venv/bin/leadmill expl")
    seen = " && ".join(f'[[ "$SEEN" == *"{told}"* ]]' for told in TOLD)
    wait = f"for _ in {{1..100}}; do if {find} && SEEN=$({explain}) && {seen}; then break; fi; sleep 1; done"
    return "\n".join([wait, find, explain, *rest, ""])


def test_the_pages_in_both_languages_give_the_same_commands() -> None:
    assert blocks_of(ENGLISH) == blocks_of(CHINESE)


def test_every_command_on_the_page_does_what_the_page_says(data: Path, tmp_path: Path) -> None:
    start, *blocks = blocks_of(ENGLISH)
    assert start.strip() == ".venv/bin/leadmill up"
    environment = {"LEADMILL_DATA_DIR": str(data / "leadmill"), "LEADMILL_LOG_LEVEL": "warning"}

    with Running(["up"], environment, tmp_path / "log", is_warm=True) as platform:
        platform.until("/readyz", status=200)
        blocks = [patient(block) if block.startswith("sleep ") else block for block in blocks]
        done = run_blocks(blocks, port=platform.port, environment=environment, folder=tmp_path)
        code = platform.terminate()

    assert (done.returncode, code) == (0, 0), done.stderr + done.stdout[-3000:]
    assert done.stdout.count('"success":true') == 4
    for told in (*TOLD, "mql 1: 80 points, tier A (MQL)", "ways to reach"):
        assert told in done.stdout
    (before,) = re.findall(r"mql: ([BCD]) → A at 80", done.stdout)
    if before == "B":
        assert "message_suppressed" in done.stdout  # the mail that was planned for a B
    assert "ok" in done.stdout.splitlines()[-1]
