"""The demo: it ends well, it says what a manager wants to know, and it can be stopped at any moment."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.operations.processes import COMMAND, clean_environment, leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.lasts(75)]

TABLES = (
    "People by first source",
    "Tiers by five_step",
    "Tiers by mql",
    "Hottest leads",
    "Most effective",
    "Why ",
    "Funnel by source",
    "Who got what, and why",
    "First responses",
    "Mails",
    "Return on campaigns",
    "Recognised and refused",
    "Audit",
)


def test_it_tells_its_story_and_everything_adds_up(data: Path) -> None:
    """Twice into one folder: each run begins with an empty database."""
    stories = []
    for _ in range(2):
        answer = leadmill("demo", "--people", "12", "--data", str(data), seconds=300)
        assert answer.code == 0, answer.err
        assert [table for table in TABLES if table not in answer.out] == []
        assert " breached" not in answer.out
        assert "intake.no_event_name" in answer.out
        stories.append(answer.out.partition("Audit")[0].partition("People by first source")[2])
    people = [story.partition("Tiers by")[0] for story in stories]
    assert people[0] == people[1]


def processes_in(folder: Path) -> list[str]:
    """The processes that work in, or for, this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = str((process / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in line or where.startswith(str(folder)):
            found.append(line)
    return found


def await_work(demo: subprocess.Popen[str]) -> None:
    """Wait until the command itself runs: before that it is the interpreter's start that Ctrl-C meets."""
    while "msgspec" not in Path(f"/proc/{demo.pid}/maps").read_text():
        assert demo.poll() is None
        time.sleep(0.01)


@pytest.mark.parametrize("seconds", [0.3, 2.5, 7.0])
def test_ctrl_c_leaves_nothing_behind(seconds: float, data: Path) -> None:
    environment = clean_environment({"TMPDIR": str(data)})
    demo = subprocess.Popen(
        [*COMMAND, "demo"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        await_work(demo)
        time.sleep(seconds)
        demo.send_signal(signal.SIGINT)
        said, complaints = demo.communicate(timeout=300)
    finally:
        demo.kill()
        demo.wait()
    assert demo.returncode in {0, 130}, (said, complaints)
    assert "Traceback" not in complaints
    deadline = time.monotonic() + 60
    while (left := processes_in(data)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    assert list(data.iterdir()) == []


@pytest.mark.thorough
def test_it_needs_no_folder_of_its_own() -> None:
    before = set(Path(tempfile.gettempdir()).glob("leadmill-demo-*"))
    assert leadmill("demo", "--people", "12", seconds=300).code == 0
    assert set(Path(tempfile.gettempdir()).glob("leadmill-demo-*")) <= before
