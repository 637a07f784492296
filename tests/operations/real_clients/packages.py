"""The SDKs and their versions, and how they are installed: outside of the repository, once per version."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PYTHON: Final[Mapping[str, str]] = {
    "segment-analytics-python": "2.4.0",
    "rudder-sdk-python": "2.1.9",
    "cloudevents": "2.2.0",
    "httpx": "0.28.1",
}
NODE: Final[Mapping[str, str]] = {
    "@segment/analytics-node": "3.1.0",
    "@rudderstack/rudder-sdk-node": "3.0.13",
    "@segment/analytics-next": "1.84.3",
    "analytics-next-170": "npm:@segment/analytics-next@1.70.0",
    "@rudderstack/analytics-js": "3.34.1",
    "cloudevents": "10.0.0",
    "playwright-core": "1.65.1",
    "esbuild": "0.28.2",
}
PROGRAMS: Final = Path(__file__).parent / "programs"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")


class Missing(Exception):
    """Something that has to be on this machine is not; the text says how to get it."""


class Workshop:
    """The folders into which the SDKs are installed, beside a copy of the programs that use them."""

    def __init__(self) -> None:
        named = json.dumps([PYTHON, NODE], sort_keys=True).encode()
        digest = hashlib.sha256(named).hexdigest()[:12]
        self.folder = Path(tempfile.gettempdir()) / f"leadmill-real-clients-{digest}"

    @property
    def python(self) -> str:
        return str(self.folder / "venv" / "bin" / "python")

    def install(self) -> None:
        """Install what is not there yet, and lay the programs beside it.

        :raises Missing: if there is no Node, npm or Chromium.
        """
        for tool in ("node", "npm"):
            if shutil.which(tool) is None:
                raise Missing(f"{tool} was not found; on Debian: apt install nodejs npm")
        find_chromium()
        self.folder.mkdir(exist_ok=True)
        done = self.folder / "installed"
        if not done.exists():
            wanted = [f"{name}=={version}" for name, version in PYTHON.items()]
            self._run(sys.executable, "-m", "venv", "--clear", str(self.folder / "venv"))
            self._run(self.python, "-m", "pip", "install", "--quiet", *wanted)
            described = {"private": True, "type": "module", "dependencies": NODE}
            (self.folder / "package.json").write_text(json.dumps(described))
            self._run("npm", "install", "--no-audit", "--no-fund", "--silent")
            done.touch()
        for program in (*PROGRAMS.glob("*.*"), *(PROGRAMS / "pages").iterdir()):
            shutil.copy(program, self.folder)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"{' '.join(command)} failed: {done.stderr[-2000:]}")


def find_chromium() -> str:
    """Return the path of a Chromium. :raises Missing: if there is none."""
    for name in _BROWSERS:
        if (found := shutil.which(name)) is not None:
            return found
    raise Missing("Chromium was not found; on Debian: apt install chromium")
