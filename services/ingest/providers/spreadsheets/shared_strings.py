"""The texts of a workbook, kept on disk: a table of a million rows may have five million of them."""

from __future__ import annotations

import tempfile
from array import array
from collections import OrderedDict
from typing import Final

_BLOCK: Final = 64 * 1024
_MOST_BLOCKS: Final = 64
_MOST_KNOWN: Final = 50_000
_LARGEST: Final = 2 * 1024**3


class TooMuchText(Exception):
    """There is more text than anybody writes into a table."""


class SharedStrings:
    """Texts by number; close it to let go of the file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="leadmill-import-")  # noqa: SIM115 - closed by close
        self._ends = array("Q")
        self._size = 0
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._known: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, text: str) -> None:
        """Append a text.

        :raises TooMuchText: if there is no end of them.
        """
        content = text.encode("utf-8", "surrogatepass")
        self._size += len(content)
        if self._size > _LARGEST:
            raise TooMuchText
        self._ends.append(self._size)
        self._pending.append(content)
        self._pending_size += len(content)
        if self._pending_size > _BLOCK:
            self._write()

    def finish(self) -> None:
        """Say that all texts are there."""
        self._write()
        self._file.flush()

    def find(self, number: int) -> str:
        """Return a text; an empty one where there is none of this number."""
        known = self._known.get(number)
        if known is not None:
            return known
        if not 0 <= number < len(self._ends):
            return ""
        start = self._ends[number - 1] if number else 0
        text = self._read(start, self._ends[number]).decode("utf-8", "replace")
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[number] = text
        return text

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write(self) -> None:
        self._file.write(b"".join(self._pending))
        self._pending.clear()
        self._pending_size = 0

    def _read(self, start: int, end: int) -> bytes:
        first, last = start // _BLOCK, max(start, end - 1) // _BLOCK
        content = b"".join(self._block(number) for number in range(first, last + 1))
        return content[start - first * _BLOCK : end - first * _BLOCK]

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is not None:
            self._blocks.move_to_end(number)
            return block
        self._file.seek(number * _BLOCK)
        block = self._file.read(_BLOCK)
        self._blocks[number] = block
        if len(self._blocks) > _MOST_BLOCKS:
            self._blocks.popitem(last=False)
        return block
