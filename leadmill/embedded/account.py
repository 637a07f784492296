"""Who runs PostgreSQL. It refuses to run as root, so root hands it to a system account.

The owner of the data runs the database: once a directory belongs to an account, it stays so.
A new directory goes to the account ``leadmill``, which is made if it can be, else to ``postgres``
or ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leadmill.embedded.errors import PostgresUnusable

_OWN: Final = "leadmill"
_FALLBACKS: Final = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A system account, as numbers."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether it is the account this process runs as."""
        return self.uid == os.geteuid()


def choose_account(data: Path) -> Account:
    """Return the account that is to run the database in ``data``.

    :raises PostgresUnusable: if the data belongs to somebody this process cannot act for.
    """
    ours = os.geteuid()
    owner = data.stat() if data.exists() else None
    if ours != 0:
        if owner is not None and owner.st_uid != ours:
            raise PostgresUnusable(f"{data} belongs to another account; run as that account, or as root")
        return Account(ours, os.getegid())
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    return _system_account()


def _system_account() -> Account:
    found = _look_up(_OWN) or _create_own()
    for name in _FALLBACKS:
        found = found or _look_up(name)
    if found is None:
        raise PostgresUnusable(
            "PostgreSQL does not run as root, and there is no other account; run as a user"
        )
    return found


def _look_up(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid) if entry.pw_uid else None


def _create_own() -> Account | None:
    if not shutil.which("useradd"):
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    made = subprocess.run(
        ["useradd", *options, "--shell", "/usr/sbin/nologin", _OWN], capture_output=True, check=False
    )
    # two processes may have tried at once: what counts is whether it is there
    return _look_up(_OWN) if made.returncode in {0, 9} else None
