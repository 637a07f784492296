"""The page for newcomers, run as it stands: every command in it, in order, against a real platform."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.processes import CHECKOUT, Running, clean_environment

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(30)]

ENGLISH, CHINESE = CHECKOUT / "docs" / "first-lead.md", CHECKOUT / "docs" / "first-lead.zh.md"
_STAND_IN = """#!/bin/sh
exec '{python}' - "$@" <<'END'
import sys, urllib.request
words = [word for word in sys.argv[1:] if word != "-sS"]
given = {{"-H": [], "-d": []}}
while (at := next((i for i, word in enumerate(words) if word in given), None)) is not None:
    given[words.pop(at)].append(words.pop(at))
headers = dict(line.split(": ", 1) for line in given["-H"])
body = given["-d"][0].encode() if given["-d"] else None
print(urllib.request.urlopen(urllib.request.Request("http://" + words[0], body, headers)).read().decode())
END
"""
"""What of curl the page uses, for machines without it: nothing may keep this test from running."""
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_pages_in_both_languages_give_the_same_commands() -> None:
    assert _BLOCK.findall(ENGLISH.read_text()) == _BLOCK.findall(CHINESE.read_text())


def test_every_command_on_the_page_does_what_the_page_says(data: Path, tmp_path: Path) -> None:
    start, *blocks = _BLOCK.findall(ENGLISH.read_text())
    assert start.strip() == ".venv/bin/leadmill up"
    path = _path_with_curl(tmp_path)
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
            env=clean_environment(environment) | {"PATH": path},
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


def _path_with_curl(folder: Path) -> str:
    """Return a search path on which there is a curl."""
    path = os.environ["PATH"]
    if shutil.which("curl") is not None:
        return path
    stand_in = folder / "curl"
    stand_in.write_text(_STAND_IN.format(python=sys.executable))
    stand_in.chmod(0o755)
    return f"{folder}:{path}"
