"""Ends the database when its owner is gone, even by SIGKILL.

The guard is a shell that waits for the end of a pipe. Only the owner holds the other end, so the
kernel closes it whatever happens to the owner; then the guard asks PostgreSQL for a fast shutdown,
which is clean, and insists after twenty seconds. It is tied to the process, not to the thread that
happened to start the database, which ``prctl(PR_SET_PDEATHSIG)`` would be.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

_SCRIPT: Final = """
data="$1"
read -r _

find_server() {
    pid="$(head -n 1 "$data/postmaster.pid" 2>/dev/null)"
    [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 1
    # the number may belong to somebody else by now; a server works inside its data
    [ ! -e /proc/self ] || [ "$(readlink "/proc/$pid/cwd")" = "$data" ]
}

# it may have been started a moment ago, and not have said so yet
tries=0
until find_server; do
    tries=$((tries + 1))
    [ "$tries" -gt 10 ] && exit 0
    sleep 0.1
done
kill -INT "$pid"
tries=0
while find_server; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ]; then kill -KILL "$pid"; exit 0; fi
    sleep 0.1
done
"""


class Guard:
    """Watches, on behalf of this process, over the server of one data directory.

    Set it before the server is started: then no moment is left in which a kill leaves one behind.
    """

    def __init__(self, data: Path) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "leadmill-guard", str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def dismiss(self) -> None:
        """End the watch without touching the server."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
