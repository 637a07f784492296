"""A disk of a few megabytes: a file system in memory that only processes which enter it see.

It needs no more than the right to mount inside a namespace of one's own: root has it, and on most machines
so has everybody else. It is gone with the process that holds it, however that ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

_HOLD = 'mount -t tmpfs -o "size=$1m,mode=755" leadmill "$2" && echo mounted && read -r _'


class NoSmallDisk(RuntimeError):
    """This machine lets nobody mount one; the text says why."""


class SmallDisk:
    """A folder that is a small disk for every command that runs ``through`` it; a context manager."""

    def __init__(self, *, megabytes: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="leadmill-disk-"))
        self.folder.chmod(0o755)
        own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
        hold = ["sh", "-c", _HOLD, "sh", str(megabytes), str(self.folder)]
        try:
            self._holder = subprocess.Popen(
                ["unshare", *own, "--mount", "--", *hold],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except FileNotFoundError:
            self.folder.rmdir()
            raise NoSmallDisk("there is no unshare on this machine") from None
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "mounted\n":
            _, complaint = self._holder.communicate()
            self.folder.rmdir()
            raise NoSmallDisk(f"a small disk cannot be mounted here: {complaint.strip()}")

    @property
    def through(self) -> list[str]:
        """What a command begins with that is to see the disk."""
        own = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self._holder.pid), *own, "--mount", "--"]

    @property
    def inside(self) -> Path:
        """The folder as those who entered see it."""
        return Path(f"/proc/{self._holder.pid}/root{self.folder}")

    def fill(self) -> None:
        """Use up what is left, to the last byte."""
        size = 1024 * 1024
        with (self.inside / "filler").open("wb", buffering=0) as file:
            while size:
                try:
                    written = file.write(b"\0" * size)
                except OSError:
                    written = 0
                if written < size:
                    size //= 2

    def make_room(self) -> None:
        """Give back what ``fill`` took."""
        (self.inside / "filler").unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.communicate("\n")
        shutil.rmtree(self.folder, ignore_errors=True)
