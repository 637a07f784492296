"""A PostgreSQL server as a child of this process.

What it promises: a second start finds the first one's data, also after SIGKILL of the owner or of the
server; two starts on one directory at once end in a clear refusal of the second; a stop is clean and
may be repeated; nothing is left running when the owner is gone, however it went.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from leadmill.embedded.account import choose_account
from leadmill.embedded.cluster import DATABASE, SUPERUSER, Cluster, read_postmaster
from leadmill.embedded.data_dir import is_open_to_all, make_data_dir
from leadmill.embedded.disk import telling_of_a_full_disk
from leadmill.embedded.errors import PostgresNotStarted, PostgresUnusable
from leadmill.embedded.guard import Guard
from leadmill.embedded.installation import find_installation
from leadmill.embedded.lock import DataDirLock
from shared.kernel.errors import Unavailable

_SETTINGS: Final[Mapping[str, str]] = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    # durable: an answered commit survives a power cut
    "fsync": "on",
    "synchronous_commit": "on",
    # few, long checkpoints: the log and the outbox write much and keep little
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    # the server's log never quotes rows, parameters or statements: they hold personal data
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_SOCKET_PATH_MAX: Final = 100  # bytes; Linux allows 107, macOS 103
_START_SECONDS: Final = 120.0  # recovery after a crash replays up to max_wal_size
_STOP_SECONDS: Final = 30.0
_LINGER_SECONDS: Final = 15.0


class EmbeddedPostgres:
    """One server on one data directory; a synchronous or an asynchronous context manager."""

    def __init__(
        self, data_dir: Path, *, tcp: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        """Prepare a server in ``data_dir``; nothing is touched before ``start``.

        ``tcp``: listen on a free port of 127.0.0.1 too, with a password (for tests with a proxy).
        ``settings``: PostgreSQL settings that replace our own.
        """
        self._data_dir = data_dir.expanduser().resolve()
        self._tcp = tcp
        self._settings = {**_SETTINGS, **(settings or {})}
        self._lock = DataDirLock(self._data_dir)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        self._sockets: Path | None = None
        self._url: str | None = None
        self._tcp_url: str | None = None
        self._given_up = threading.Event()

    @property
    def url(self) -> str:
        """The address over the Unix socket: ``postgresql://leadmill@/leadmill?host=…``."""
        if self._url is None:
            raise PostgresNotStarted("the database is not running; start it first")
        return self._url

    @property
    def tcp_url(self) -> str:
        """The address over TCP, password included; only with ``tcp``."""
        if self._tcp_url is None:
            raise PostgresNotStarted("the database does not listen on TCP; ask for it with tcp=True")
        return self._tcp_url

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._process is None:
            raise PostgresNotStarted("the database is not running; start it first")
        return self._process.pid

    @property
    def log_file(self) -> Path:
        """What the server says; the previous run's is kept beside it."""
        return self._data_dir / "postgres.log"

    def start(self) -> None:
        """Start the server, the first time after making its data; return when it takes connections.

        :raises DataDirInUse: if another process has the directory.
        :raises PostgresUnusable: if this machine or directory cannot hold it.
        :raises DiskFull: if its disk has no room.
        :raises PostgresNotStarted: if it ends or does not get ready within two minutes.
        """
        if self._process is not None:
            return
        with telling_of_a_full_disk(self._data_dir):
            make_data_dir(self._data_dir)
            try:
                self._lock.take()
                self._start_locked()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop the server cleanly and give the directory free; harmless if it is not running."""
        process, self._process = self._process, None
        self._url = self._tcp_url = None
        try:
            if process is not None:
                _end(process)
        finally:
            if self._guard is not None and (process is None or process.poll() is not None):
                self._guard.dismiss()
                self._guard = None
            if self._sockets is not None and not self._sockets.is_relative_to(self._data_dir):
                shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None
            self._lock.release()

    def require(self) -> None:
        """Return if the server that was started runs still.

        :raises DiskFull: if it has ended, and its disk has no room.
        :raises PostgresNotStarted: if it has ended; the text holds the end of its log.
        """
        process = self._process
        if process is not None and process.poll() is not None:
            with telling_of_a_full_disk(self._data_dir):
                raise PostgresNotStarted(f"the database has ended; its log ends:\n{self._end_of_log()}")

    def kill(self) -> None:
        """Kill the server as a power cut would; ``start`` recovers its data. For tests of failure."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self.stop()

    def _start_locked(self) -> None:
        data = self._data_dir / "postgres"
        account = choose_account(data)
        if not account.is_ours and not is_open_to_all(self._data_dir):
            raise PostgresUnusable(
                f"PostgreSQL does not run as root, and no other account can reach {self._data_dir}; "
                "name a directory outside closed folders with --data"
            )
        cluster = Cluster(
            data=data,
            account=account,
            installation=find_installation(account),
            durable=self._settings["fsync"] == "on",
        )
        cluster.create()
        cluster.end_leftover()
        sockets = self._sockets = self._socket_folder(cluster)
        port = _free_port() if self._tcp else 5432
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        deadline = time.monotonic() + _LINGER_SECONDS
        while not self._try_start(cluster, sockets, port):
            # a killed server's backends hold its memory until they notice
            if time.monotonic() > deadline:
                raise PostgresNotStarted(f"the database did not start; its log ends:\n{self._end_of_log()}")
            time.sleep(0.2)
        query = f"host={quote(str(sockets), safe='/')}" + (f"&port={port}" if self._tcp else "")
        self._url = f"postgresql://{SUPERUSER}@/{DATABASE}?{query}"
        if self._tcp:
            password = quote(cluster.password_file.read_text(), safe="")
            self._tcp_url = f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{DATABASE}"
        self._lock.announce(self._url)

    def _try_start(self, cluster: Cluster, sockets: Path, port: int) -> bool:
        """Start the server and wait for it; return False if it is worth another try."""
        options = {**self._settings, "listen_addresses": "127.0.0.1" if self._tcp else ""}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = ["postgres", "-D", str(cluster.data), "-k", str(sockets), "-p", str(port), *arguments]
        self._guard = Guard(cluster.data)
        with self.log_file.open("ab") as log:
            process = cluster.open_process(*command, log=log.fileno())
        self._process = process
        deadline = time.monotonic() + _START_SECONDS
        while True:
            said = read_postmaster(cluster.data / "postmaster.pid")
            if said.pid == process.pid and said.is_ready:
                return True
            if process.poll() is not None:
                self._process = None
                self._guard.dismiss()
                self._guard = None
                if "is still in use" in self._end_of_log():
                    return False
                raise PostgresNotStarted(f"the database ended at once; its log ends:\n{self._end_of_log()}")
            if time.monotonic() > deadline or self._given_up.is_set():
                raise PostgresNotStarted(f"the database is not ready; its log ends:\n{self._end_of_log()}")
            time.sleep(0.01)

    def _socket_folder(self, cluster: Cluster) -> Path:
        """Return a folder only we can enter, with a path short enough for a socket."""
        folder = self._data_dir / "run"
        if len(os.fsencode(folder / ".s.PGSQL.00000")) > _SOCKET_PATH_MAX:
            digest = hashlib.sha256(os.fsencode(self._data_dir)).hexdigest()[:16]
            folder = Path(tempfile.gettempdir()) / f"leadmill-{digest}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), cluster.account.uid}:
            raise PostgresNotStarted(f"{folder} belongs to somebody else; remove it")
        folder.chmod(0o700)
        cluster.hand_over(folder)
        for old in folder.glob(".s.PGSQL.*"):
            old.unlink()
        return folder

    def _end_of_log(self) -> str:
        return self.log_file.read_text(errors="replace")[-2000:] if self.log_file.exists() else "(empty)"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        """Start the server beside the event loop; cancelled half-way, nothing is left running."""
        starting = asyncio.get_running_loop().run_in_executor(None, self.start)
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._given_up.set()
            with contextlib.suppress(Unavailable):
                await starting
            self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.stop))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server: cleanly, then at once, then by force."""
    for how, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
