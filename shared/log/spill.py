"""The spill: where records wait on this machine's disk while what should keep them does not answer.

Segments of checksummed frames, written in order and fsynced before anybody is told "kept"; read back
in the same order, and deleted once everything in them is kept elsewhere. A record may be read twice
around a crash; whoever takes it drops it by its id. What a torn write left at the end of a segment was
never acknowledged and is passed over; a frame that is damaged in the middle keeps its segment on disk,
under another name, for a person to look at.

Blocking: call it from a thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from io import FileIO
from pathlib import Path
from typing import IO, Final
from zlib import crc32

import msgspec

from shared.kernel.errors import Unavailable
from shared.log.port import NewRecord

_FRAME: Final = struct.Struct(">II")
_MOST_DIRECTORIES: Final = 256
_FEWEST_SEGMENTS: Final = 16
"""A segment is deleted as a whole, so that many of them give room back little by little."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(
    tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int]
).decode


class SpillFull(Unavailable):
    """The spill or its disk is full; nothing was kept, try again later."""

    code = "spill.full"


class SpillReserved(Unavailable):
    """What is left of the spill is kept for those who cannot send again; try again later."""

    code = "spill.reserved"


class SpillUnusable(Unavailable):
    """The spill directory cannot be written; give the process a directory of its own."""

    code = "spill.unusable"


class Spill:
    """One process's spill below ``directory``; several processes may share the directory.

    ``most_bytes`` bounds what lies on disk; ``reserved`` of them are for those who cannot send again.
    """

    def __init__(
        self,
        directory: Path,
        *,
        segment_bytes: int = 64 * 1024 * 1024,
        most_bytes: int = 1024**3,
        reserved: int = 0,
    ) -> None:
        self._root = directory
        self._segment_bytes = min(segment_bytes, max(1, most_bytes // _FEWEST_SEGMENTS))
        self._most_bytes = most_bytes
        self._reserved = reserved
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None
        self._segments: list[Path] = []
        self._writing: FileIO | None = None
        self._written = 0
        self._position = 0
        self._read_to = 0
        self._next = 1
        self.damaged = 0

    def open(self) -> None:
        """Take the first folder below the directory that no other process holds, with what is in it.

        :raises SpillUnusable: if there is none or the disk refuses.
        """
        try:
            for number in range(_MOST_DIRECTORIES):
                folder = self._root / f"edge-{number}"
                folder.mkdir(parents=True, exist_ok=True)
                lock = (folder / "lock").open("ab")
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    lock.close()
                    continue
                self._folder, self._lock = folder, lock
                break
            else:
                raise SpillUnusable
            self._segments = sorted(self._folder.glob("*.segment"))
        except OSError as error:
            raise SpillUnusable from error
        if self._segments:
            self._next = int(self._segments[-1].stem) + 1

    def close(self) -> None:
        """Let go; what waits stays on disk for the next start."""
        self._stop_writing()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def is_empty(self) -> bool:
        """True if nothing waits."""
        return not self._segments

    def size(self) -> int:
        """Return how many bytes lie on disk."""
        return sum(path.stat().st_size for path in self._segments)

    @property
    def has_only_reserve(self) -> bool:
        """True if what room there is may be used by those only who cannot send again."""
        return self._most_bytes - self.size() <= self._reserved

    def append(self, records: list[NewRecord], *, may_use_reserve: bool = True) -> None:
        """Keep the records; returns once they are on disk.

        :raises SpillReserved: if there is room in the reserve only, and they may not use it.
        :raises SpillFull: if there is no room, or none on the disk; nothing was kept.
        :raises SpillUnusable: if the disk refuses; some may have been kept.
        """
        frames = bytearray()
        for record in records:
            payload = _encode((record.key, record.value, list(record.headers), record.timestamp))
            frames += _FRAME.pack(len(payload), crc32(payload))
            frames += payload
        try:
            room = self._most_bytes - self.size() - len(frames)
            if room < 0:
                raise SpillFull
            if room < self._reserved and not may_use_reserve:
                raise SpillReserved
            if self._writing is None or self._written >= self._segment_bytes:
                self._begin_segment()
            assert self._writing is not None
            _write(self._writing, frames)
            os.fsync(self._writing.fileno())
        except OSError as error:
            self._give_up_writing()
            raise (SpillFull if error.errno in _NO_ROOM else SpillUnusable) from error
        self._written += len(frames)

    def _begin_segment(self) -> None:
        self._stop_writing()
        if self._folder is None:
            raise SpillUnusable
        path = self._folder / f"{self._next:012d}.segment"
        self._next += 1
        # unbuffered: what a full disk did not take must not be written behind our back later
        self._writing = path.open("xb", buffering=0)
        self._written = 0
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._segments.append(path)

    def _stop_writing(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.close()

    def _give_up_writing(self) -> None:
        """Take back what was written of frames that were not kept; the next ones begin a segment."""
        if self._writing is None:
            return
        path = Path(self._writing.name)
        with contextlib.suppress(OSError):
            if self._written:
                self._writing.truncate(self._written)
            else:
                path.unlink()
                self._segments = [segment for segment in self._segments if segment != path]
        with contextlib.suppress(OSError):
            self._stop_writing()

    def read(self, *, limit: int) -> list[NewRecord]:
        """Return the oldest records that wait, up to ``limit``; the same again until :meth:`forget`."""
        while self._segments:
            path = self._segments[0]
            records, end, is_damaged = _read_frames(path, start=self._position, limit=limit)
            self._read_to = end
            if records:
                return records
            self._finish_segment(path, is_damaged=is_damaged)
        return []

    def forget(self) -> None:
        """What was last read is kept elsewhere."""
        self._position = self._read_to

    def _finish_segment(self, path: Path, *, is_damaged: bool) -> None:
        if len(self._segments) == 1:
            self._stop_writing()
        if is_damaged:
            self.damaged += 1
            path.rename(path.with_suffix(".damaged"))
        else:
            path.unlink()
        self._segments.pop(0)
        self._position = self._read_to = 0


def _write(file: FileIO, frames: bytearray) -> None:
    with memoryview(frames) as whole:
        written = 0
        while written < len(whole):
            written += file.write(whole[written:])


def _read_frames(path: Path, *, start: int, limit: int) -> tuple[list[NewRecord], int, bool]:
    """Return up to ``limit`` records, where the next one starts, and whether a frame is damaged."""
    records: list[NewRecord] = []
    with path.open("rb") as file:
        file.seek(start)
        while len(records) < limit:
            head = file.read(_FRAME.size)
            if len(head) < _FRAME.size:
                return records, start, False
            length, checksum = _FRAME.unpack(head)
            payload = file.read(length)
            if len(payload) < length:
                return records, start, False
            if crc32(payload) != checksum:
                return records, start, not records
            records.append(NewRecord(*_decode(payload)))
            start = file.tell()
    return records, start, False
