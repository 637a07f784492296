"""Runs the commands of a page as a reader would: in a shell, in order, each block as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.operations.processes import CHECKOUT, clean_environment

_STAND_IN: Final = """#!/bin/sh
exec '{python}' - "$@" <<'END'
import sys, urllib.error, urllib.request
words = [word for word in sys.argv[1:] if word != "-sS"]
given = {{"-H": [], "-d": []}}
while (at := next((i for i, word in enumerate(words) if word in given), None)) is not None:
    given[words.pop(at)].append(words.pop(at))
headers = dict(line.split(": ", 1) for line in given["-H"])
body = given["-d"][0].encode() if given["-d"] else None
address = words[0] if "://" in words[0] else "http://" + words[0]
try:
    answer = urllib.request.urlopen(urllib.request.Request(address, body, headers))
except urllib.error.HTTPError as refused:
    answer = refused
print(answer.read().decode())
END
"""
"""What of curl the pages use, for machines without it: nothing may keep these tests from running."""
_BLOCK: Final = r"^```{language}\n(.*?)^```$"


def blocks_of(page: Path, language: str = "sh") -> Sequence[str]:
    """Return the blocks of this language on a page."""
    found: list[str] = re.findall(
        _BLOCK.format(language=language), page.read_text(), re.MULTILINE | re.DOTALL
    )
    return found


def run_blocks(
    blocks: Sequence[str], *, port: int, environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run blocks in one shell, against the platform at this port; files that they write go to ``folder``."""
    script = "\n".join(blocks).replace("localhost:8080", f"127.0.0.1:{port}")
    script = script.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        env=clean_environment(environment) | {"PATH": _path_with_curl(folder)},
        cwd=folder,
        timeout=900,
        check=False,
    )


def _path_with_curl(folder: Path) -> str:
    """Return a search path on which there is a curl."""
    path = os.environ["PATH"]
    if shutil.which("curl") is not None:
        return path
    stand_in = folder / "curl"
    stand_in.write_text(_STAND_IN.format(python=sys.executable))
    stand_in.chmod(0o755)
    return f"{folder}:{path}"


README: Final = CHECKOUT / "README.md"
DOCS: Final = CHECKOUT / "docs"
