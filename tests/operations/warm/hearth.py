"""The process that commands are forked from: it has imported what they need, and does nothing else.

Run by :mod:`tests.operations.warm.starting`, with the path of its socket; it ends with its standard input.
Every connection is one command: a line of JSON that says which, with what, and the descriptors of
both outputs; the answer is a line with its process id and one with the exit code, negative for a
signal. Whoever hangs up before that has the command killed.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from typing import Any, Final, NoReturn

IMPORTED: Final = (
    "leadmill.cli",
    "leadmill.audit",
    "leadmill.platform.deployed",
    "leadmill.platform.serving",
    "rich.console",
    "rich.table",
    "uvloop",
)


def serve() -> None:
    """Fork a command for every connection, until standard input ends."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "threads do not survive a fork"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a keeper ended
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(100)
        print("warm", flush=True)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            line, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _keep(line)
            line.close()


def _keep(line: socket.socket) -> NoReturn:
    """Run one command in a process of its own, and tell its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said, outputs, _, _ = socket.recv_fds(line, 1 << 20, 2)
    while not said.endswith(b"\n"):
        said += line.recv(1 << 20)
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(json.loads(said), outputs)
    for one in outputs:
        os.close(one)
    line.sendall(b"%d\n" % pid)
    ended = os.pidfd_open(pid)
    if ended not in select.select([ended, line.fileno()], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        line.sendall(b"%d\n" % code)
    finally:
        os._exit(0)


def _become(told: dict[str, Any], outputs: list[int]) -> NoReturn:
    """Be the command as a shell would have started it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, *outputs)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(told["cwd"])
    os.environ.clear()
    os.environ.update(told["environment"])
    time.tzset()
    sys.argv = ["leadmill", *told["arguments"]]
    from leadmill.cli import main

    sys.exit(main())
