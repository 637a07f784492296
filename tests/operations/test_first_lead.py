"""The page for newcomers, run as it stands: every command in it, in order, against a real platform."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.processes import CHECKOUT, Running, clean_environment

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(30)]

ENGLISH, CHINESE = CHECKOUT / "docs" / "first-lead.md", CHECKOUT / "docs" / "first-lead.zh.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_pages_in_both_languages_give_the_same_commands() -> None:
    assert _BLOCK.findall(ENGLISH.read_text()) == _BLOCK.findall(CHINESE.read_text())


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed; the page needs it")
def test_every_command_on_the_page_does_what_the_page_says(data: Path, tmp_path: Path) -> None:
    start, *blocks = _BLOCK.findall(ENGLISH.read_text())
    assert start.strip() == ".venv/bin/leadmill up"
    environment = {"LEADMILL_DATA_DIR": str(data / "leadmill"), "LEADMILL_LOG_LEVEL": "warning"}

    with Running(["up"], environment, tmp_path / "log") as platform:
        platform.until("/readyz", status=200)
        script = "\n".join(blocks).replace("localhost:8080", f"127.0.0.1:{platform.port}")
        done = subprocess.run(
            [
                "bash",
                "-euo",
                "pipefail",
                "-c",
                script.replace(".venv/bin/", f"{Path(sys.executable).parent}/"),
            ],
            capture_output=True,
            text=True,
            env=clean_environment(environment),
            cwd=CHECKOUT,
            timeout=120,
            check=False,
        )
        code = platform.terminate()

    assert (done.returncode, code) == (0, 0), done.stderr + done.stdout[-3000:]
    assert done.stdout.count('"success":true') == 4
    for told in ("mql: B → A at 80", "lead_assigned", "message_suppressed", "demo_requested"):
        assert told in done.stdout
    assert "ok" in done.stdout.splitlines()[-1]
