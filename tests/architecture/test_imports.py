"""Importing does nothing: no file but code is opened, no socket, no process, no thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]

_WATCH: Final = """
import importlib, os, pkgutil, sys, threading

root = os.getcwd() + os.sep
importing = ""
acts = []

def watch(event, arguments):
    if event in {"socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.mkdir"}:
        acts.append(f"{importing}: {event}")
    elif event == "open" and isinstance(arguments[0], str):
        path, mode = os.path.abspath(arguments[0]), arguments[1] or "r"
        if path.startswith(root) and ".venv" not in path and not path.endswith((".py", ".pyc")):
            acts.append(f"{importing}: opens {path.removeprefix(root)}")
        elif set(mode) & set("wax+"):
            acts.append(f"{importing}: writes a file")

sys.addaudithook(watch)
for package in sys.argv[1:]:
    importing = package
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not found.name.endswith(".__main__"):
            importing = found.name
            importlib.import_module(found.name)
if threading.active_count() > 1:
    acts.append("a thread was started")
print("\\n".join(acts))
"""


def _acts_on_import(folder: Path, *packages: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, *packages],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_importing_the_house_touches_nothing() -> None:
    assert _acts_on_import(ROOT, "leadmill", "services", "shared") == []


@pytest.mark.parametrize(
    "line",
    [
        "open('rules.yaml', 'a').close()",
        "import pathlib; pathlib.Path('rules.yaml').read_text()",
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.close()",
        "import subprocess; subprocess.run(['true'])",
        "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
    ],
)
def test_an_import_that_acts_is_caught(tmp_path: Path, line: str) -> None:
    (tmp_path / "rules.yaml").touch()
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "__init__.py").touch()
    (tmp_path / "planted" / "early.py").write_text(f"{line}\n")
    assert _acts_on_import(tmp_path, "planted")
