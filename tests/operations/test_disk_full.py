"""A disk that is full: one clear line and exit code 3 at the start, a pause while running, nothing lost."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.testing.small_disk import NoSmallDisk, SmallDisk
from tests.operations.processes import COMMAND, Answer, Running, free_port, leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(45)]

FULL = "leadmill: the disk that holds {} is full; make room there and start again, nothing is lost"


@pytest.fixture
def disk(request: pytest.FixtureRequest) -> Iterator[SmallDisk]:
    """A disk that is just large enough for a platform, or as large as the test says."""
    try:
        small = SmallDisk(megabytes=getattr(request, "param", 160))
    except NoSmallDisk as error:
        pytest.skip(str(error))
    with small:
        yield small


class Platform:
    """A platform on a small disk, and somebody who sends people to it."""

    def __init__(self, disk: SmallDisk, folder: Path) -> None:
        self.disk = disk
        self.where = ["--data", str(disk.folder)]
        self.key = self.ask("key", "add", "website", "--json").document["key"]
        self.log = folder / "log"
        self.numbers = 0
        self.acknowledged: list[int] = []

    def ask(self, *arguments: str) -> Answer:
        return leadmill(*arguments, *self.where, through=self.disk.through)

    def up(self) -> Running:
        return Running(["up", *self.where], {}, self.log, through=self.disk.through)

    def start_in_vain(self) -> Answer:
        ports = ["--port", str(free_port()), "--admin-port", str(free_port())]
        return self.ask("up", *ports)

    def send(self, client: httpx.Client) -> httpx.Response:
        """Send twenty people at once."""
        numbers = range(self.numbers, self.numbers + 20)
        self.numbers += 20
        batch = [
            {"type": "identify", "userId": f"u-{n}", "traits": {"email": f"u{n}@example.com"}}
            for n in numbers
        ]
        answer = client.post("/v1/batch", json={"writeKey": self.key, "batch": batch})
        if answer.status_code == 200:
            self.acknowledged += numbers
        return answer

    def send_until_refused(self, client: httpx.Client) -> httpx.Response:
        """Go on until the disk is full in earnest: tables and the log have some room left inside."""
        deadline = time.monotonic() + 300
        while (answer := self.send(client)).status_code == 200:
            assert time.monotonic() < deadline
        return answer

    def lost(self, address: str) -> list[int]:
        """Return whom nobody knows of the last who were acknowledged; the audit adds up all of them."""
        token = self.ask("token", "create", f"t-{time.monotonic_ns()}", "--role", "read", "--json")
        bearer = {"authorization": f"Bearer {token.document['token']}"}
        with httpx.Client(base_url=address, headers=bearer, trust_env=False, timeout=20) as asking:
            return [
                number
                for number in self.acknowledged[-100:]
                if not asking.get("/v1/leads", params={"email": f"u{number}@example.com"}).json()["leads"]
            ]


@pytest.mark.parametrize("disk", [20], indirect=True)
def test_at_the_first_start_is_one_clear_line_and_leaves_nothing(disk: SmallDisk) -> None:
    ports = ["--port", str(free_port()), "--admin-port", str(free_port())]
    answer = leadmill("up", "--data", str(disk.folder), *ports, through=disk.through)

    assert answer.code == 3
    assert answer.error_lines[-1] == FULL.format(disk.folder)
    assert "Traceback" not in answer.err
    assert not list(disk.inside.glob("new-*"))


def test_pauses_loses_nothing_and_goes_on_when_there_is_room(disk: SmallDisk, tmp_path: Path) -> None:
    platform = Platform(disk, tmp_path)
    with platform.up() as running:
        running.until("/readyz", status=200)
        with httpx.Client(base_url=running.address, timeout=20, trust_env=False) as client:
            assert platform.send(client).status_code == 200
            disk.fill()
            refused = platform.send_until_refused(client)
            assert refused.status_code == 503
            assert refused.json()["code"] == "database.disk_full"
            assert int(refused.headers["retry-after"]) >= 1
            running.until("/readyz", status=503, code="database.disk_full")
            assert running.probe("/livez")[0] == 200

            disk.make_room()
            running.await_until(lambda: platform.send(client).status_code == 200)
        running.until("/readyz", status=200)
        audit = platform.ask("audit", "--full")
        assert audit.code == 0, audit.out
        assert platform.lost(running.address) == []
        assert platform.ask("dlq", "list", "--json").document["dead_letters"] == []
        assert "database.disk_full" in running.said()
        assert running.terminate() == 0


@pytest.mark.thorough
def test_that_ends_the_database_ends_the_process_with_one_clear_line(disk: SmallDisk, tmp_path: Path) -> None:
    platform = Platform(disk, tmp_path)
    with platform.up() as running:
        running.until("/readyz", status=200)
        with httpx.Client(base_url=running.address, timeout=20, trust_env=False) as client:
            platform.send(client)
            disk.fill()
            platform.send_until_refused(client)
        asyncio.run(_want_more_write_ahead_log(disk))
        assert running.process is not None
        assert running.process.wait(300) == 3
        assert running.said().strip().splitlines()[-1] == FULL.format(disk.folder)
        assert "Traceback" not in running.said()

    answer = platform.start_in_vain()
    assert answer.code == 3
    assert answer.error_lines[-1] == FULL.format(disk.folder)

    disk.make_room()
    with platform.up() as again:
        again.until("/readyz", status=200)
        audit = platform.ask("audit", "--full")
        assert audit.code == 0, audit.out
        assert platform.lost(again.address) == []
        assert again.terminate() == 0


def test_is_no_reason_for_a_command_to_show_a_traceback(disk: SmallDisk) -> None:
    disk.fill()
    answer = leadmill("key", "list", "--data", str(disk.folder), through=disk.through)

    assert answer.code == 3
    assert answer.error_lines[-1] == FULL.format(disk.folder)
    assert "Traceback" not in answer.err


async def _want_more_write_ahead_log(disk: SmallDisk) -> None:
    """Make the server open segment after segment of its log, until it has no room for one."""
    program = (
        "import asyncio, asyncpg, sys\n"
        "from pathlib import Path\n"
        "from leadmill.embedded import find_running\n"
        "async def main():\n"
        "    connection = await asyncpg.connect(find_running(Path(sys.argv[1])))\n"
        "    for _ in range(100):\n"
        "        await connection.execute('SELECT pg_switch_wal(); SELECT txid_current()')\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [*disk.through, COMMAND[0], "-c", program, str(disk.folder)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode, "the server has found room for a hundred segments"
