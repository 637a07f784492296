"""The spill: what was acknowledged is on disk, in order, until the log has it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from shared.log.port import NewRecord
from shared.log.spill import Spill, SpillFull, SpillReserved, SpillUnusable


def records(*names: str) -> list[NewRecord]:
    return [NewRecord(name.encode(), name.encode() * 10, [("content-type", b"x")], 7) for name in names]


def keys(read: Sequence[NewRecord]) -> list[str]:
    return [(record.key or b"").decode() for record in read]


Open = Callable[..., Spill]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open spills, and close those that a test leaves open."""
    made: list[Spill] = []

    def open_spill(folder: Path, **limits: int) -> Spill:
        made.append(Spill(folder, **limits))
        made[-1].open()
        return made[-1]

    yield open_spill
    for spill in made:
        spill.close()


class TestASpill:
    def test_gives_back_in_order_what_it_was_given(self, tmp_path: Path, opened: Open) -> None:
        spill = opened(tmp_path)
        spill.append(records("a", "b"))
        spill.append(records("c"))
        assert spill.read(limit=2) == records("a", "b")
        assert spill.read(limit=2) == records("a", "b"), "the same until it is forgotten"
        spill.forget()
        assert spill.read(limit=2) == records("c")
        spill.forget()
        assert spill.read(limit=2) == []
        assert spill.is_empty
        spill.append(records("d"))
        assert keys(spill.read(limit=9)) == ["d"]

    def test_keeps_its_last_part_for_those_who_may_use_it(self, tmp_path: Path, opened: Open) -> None:
        spill = opened(tmp_path, most_bytes=200, reserved=100)
        spill.append(records("a"), may_use_reserve=False)
        with pytest.raises(SpillReserved):
            spill.append(records("b", "c"), may_use_reserve=False)
        spill.append(records("d", "e"))
        assert spill.has_only_reserve
        with pytest.raises(SpillFull):
            spill.append(records("f", "g", "h", "i"))
        assert keys(spill.read(limit=9)) == ["a"]
        spill.forget()
        assert keys(spill.read(limit=9)) == ["d", "e"]

    def test_outlives_its_process(self, tmp_path: Path, opened: Open) -> None:
        first = opened(tmp_path, segment_bytes=100)
        for name in "abcdef":
            first.append(records(name))
        first.close()
        second = opened(tmp_path)
        assert not second.is_empty
        found: list[str] = []
        while read := second.read(limit=4):
            found += keys(read)
            second.forget()
        assert found == list("abcdef")
        assert not list(tmp_path.rglob("*.segment"))

    def test_passes_over_what_a_torn_write_left(self, tmp_path: Path, opened: Open) -> None:
        first = opened(tmp_path)
        first.append(records("a"))
        first.close()
        (segment,) = tmp_path.rglob("*.segment")
        with segment.open("ab") as file:
            file.write(b"\x00\x00\x01\x00half a fra")
        second = opened(tmp_path)
        assert keys(second.read(limit=9)) == ["a"]
        second.forget()
        assert second.read(limit=9) == []
        assert second.damaged == 0

    def test_keeps_a_damaged_segment_for_a_person(self, tmp_path: Path, opened: Open) -> None:
        first = opened(tmp_path)
        first.append(records("a"))
        first.close()
        (segment,) = tmp_path.rglob("*.segment")
        content = bytearray(segment.read_bytes())
        content[-1] ^= 1
        segment.write_bytes(content)
        second = opened(tmp_path)
        assert second.read(limit=9) == []
        assert second.damaged == 1
        assert len(list(tmp_path.rglob("*.damaged"))) == 1

    def test_has_a_bound(self, tmp_path: Path, opened: Open) -> None:
        spill = opened(tmp_path, most_bytes=200)
        spill.append(records("a"))
        with pytest.raises(SpillFull):
            spill.append(records(*"bcdefghij"))
        assert keys(spill.read(limit=9)) == ["a"]

    def test_is_shared_with_no_other_process(self, tmp_path: Path, opened: Open) -> None:
        first, second = opened(tmp_path), opened(tmp_path)
        first.append(records("a"))
        assert second.is_empty
        second.append(records("b"))
        assert keys(first.read(limit=9)) == ["a"]

    def test_says_so_when_the_disk_refuses(self, tmp_path: Path, opened: Open) -> None:
        in_the_way = tmp_path / "file"
        in_the_way.write_text("")
        with pytest.raises(SpillUnusable):
            opened(in_the_way)


ON_A_FULL_DISK = """
import json, resource, signal, sys
from pathlib import Path
from shared.log.spill import Spill, SpillFull
from shared.log.port import NewRecord

def append(name, size):
    try:
        spill.append([NewRecord(name, b"v" * size, [], 1)])
    except SpillFull as error:
        return error.reason
    return "kept"

def room(size):
    # no file may grow beyond this: the kernel takes what fits and refuses the rest, as a full disk does
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
spill = Spill(folder)
spill.open()
said = [append(b"a", 100)]
room(1_000)
said += [append(b"b", 5_000) for _ in range(3)]
files = sorted(path.name for path in folder.rglob("*.segment"))
room(resource.RLIM_INFINITY)
said.append(append(b"c", 5_000))
found = []
while records := spill.read(limit=9):
    found += [record.key.decode() for record in records]
    spill.forget()
spill.close()
print(json.dumps({"said": said, "files": files, "found": found}))
"""


def test_a_full_disk_keeps_nothing_of_what_it_refuses_and_costs_nothing_that_was_kept(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "said": ["kept", "spill.full", "spill.full", "spill.full", "kept"],
        "files": ["000000000001.segment"],
        "found": ["a", "c"],
    }
    assert not list(tmp_path.rglob("*.segment"))
