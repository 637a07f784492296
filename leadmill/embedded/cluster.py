"""One PostgreSQL data directory: made whole or not at all, freed of what a killed server left behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leadmill.embedded.account import Account
from leadmill.embedded.errors import PostgresNotStarted, PostgresUnusable
from leadmill.embedded.installation import Installation

SUPERUSER: Final = "leadmill"
DATABASE: Final = "leadmill"

_ENVIRONMENT: Final[Mapping[str, str]] = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
_WORK: Final = "new-"
_LEFTOVER_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The data of one database server, and who may touch it."""

    data: Path
    account: Account
    installation: Installation
    durable: bool = True

    def create(self) -> None:
        """Make the directory if it is not there yet.

        It is built beside its place and moved there when it is complete: whoever is killed half-way
        leaves nothing that looks like a database.

        :raises PostgresUnusable: if another major version wrote it.
        :raises PostgresNotStarted: if it cannot be made; the text holds the program's own words.
        """
        version = self.data / "PG_VERSION"
        if version.exists():
            written_by = version.read_text().strip()
            if written_by != self.installation.major:
                raise PostgresUnusable(
                    f"{self.data} was written by PostgreSQL {written_by}, this is {self.installation.major}; "
                    "dump it with the old one, or name another directory with --data"
                )
            return
        for half_made in self.data.parent.glob(f"{_WORK}*"):
            shutil.rmtree(half_made, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=_WORK, dir=self.data.parent))
        try:
            self._fill(work)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        work.rename(self.data)

    def _fill(self, work: Path) -> None:
        self.hand_over(work)
        password = self.password_file
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        self.hand_over(password)
        access = ["--auth-local=trust", "--auth-host=scram-sha-256", "--username", SUPERUSER]
        # sorted by code point, the same on every machine and after every upgrade of its C library
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = [] if self.durable else ["--no-sync"]
        self._run("initdb", "-D", str(work), *access, f"--pwfile={password}", *locale, *sync)
        self._run("postgres", "--single", "-D", str(work), "postgres", text=f"CREATE DATABASE {DATABASE}\n")

    @property
    def password_file(self) -> Path:
        """Holds the superuser's password, which only connections over TCP need."""
        return self.data.with_name("password")

    def hand_over(self, path: Path) -> None:
        """Give ``path`` to the account that runs the database."""
        if not self.account.is_ours:
            os.chown(path, self.account.uid, self.account.gid)

    def open_process(self, *command: str, log: int) -> subprocess.Popen[bytes]:
        """Start one of PostgreSQL's programs under the account, in a session of its own.

        A session of its own, because Ctrl-C is for the owner, which stops the database last.
        """
        return subprocess.Popen(
            [self.installation.program(command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.data,
            env=_ENVIRONMENT,
            start_new_session=True,
            user=self._foreign(self.account.uid),
            group=self._foreign(self.account.gid),
            extra_groups=None if self.account.is_ours else [],
        )

    def end_leftover(self) -> None:
        """Stop a server that outlived its owner, and remove the mark of one that did not.

        Only called by whoever holds the directory's lock. PostgreSQL itself takes any live process
        with the number in ``postmaster.pid`` for a server; after a restart of a container that number
        belongs to somebody else.

        :raises PostgresNotStarted: if the leftover server does not end.
        """
        mark = self.data / "postmaster.pid"
        pid = read_postmaster(mark).pid
        if pid is None:
            return
        if self._is_our_server(pid):
            for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
                if self._await_end(pid, _LEFTOVER_SECONDS / 3):
                    break
            else:
                raise PostgresNotStarted(f"a database server, process {pid}, does not end; end it by hand")
        if Path("/proc/self").exists():
            mark.unlink(missing_ok=True)

    def _await_end(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._is_our_server(pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _is_our_server(self, pid: int) -> bool:
        """Return whether ``pid`` is a live server on this very directory (a server works inside its data)."""
        process = Path("/proc", str(pid))
        try:
            status = (process / "stat").read_text().rpartition(")")[2].split()[0]
            return status != "Z" and (process / "cwd").samefile(self.data)
        except OSError:
            return False

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(
            [self.installation.program(program), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data.parent,
            env=_ENVIRONMENT,
            start_new_session=True,
            user=self._foreign(self.account.uid),
            group=self._foreign(self.account.gid),
            extra_groups=None if self.account.is_ours else [],
        )
        if done.returncode:
            raise PostgresNotStarted(f"{program} failed in {self.data.parent}:\n{done.stderr[-2000:]}")

    def _foreign(self, number: int) -> int | None:
        return None if self.account.is_ours else number


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a server says about itself in ``postmaster.pid``."""

    pid: int | None
    is_ready: bool


def read_postmaster(mark: Path) -> Postmaster:
    """Read ``postmaster.pid``; a missing or half-written file is no server."""
    try:
        lines = mark.read_text().splitlines()
        return Postmaster(int(lines[0]), len(lines) > 7 and lines[7].strip() == "ready")
    except (FileNotFoundError, IndexError, ValueError):
        return Postmaster(None, is_ready=False)
