"""Rows are read while those before them are worked on, in order, and no longer than the table is open."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from services.ingest.jobs.imports.reading import OpenTable, Prepared, read_ahead
from shared.kernel.errors import Rejected


class Pages:
    """A table of so many slices; the last one that is asked for may be damaged."""

    def __init__(self, count: int, *, damaged_at: int | None = None) -> None:
        self.left = count
        self.taken = 0
        self.is_reading = False
        self.second_asked = threading.Event()
        self._damaged_at = damaged_at

    def take(self) -> list[Prepared]:
        self.is_reading = True
        try:
            self.taken += 1
            if self.taken == 2:
                self.second_asked.set()
            if self.taken == self._damaged_at:
                raise Rejected("damaged", code="import.damaged")
            if self.taken > self.left:
                return []
            return [Prepared(self.taken)]
        finally:
            self.is_reading = False


def opened(pages: Pages) -> OpenTable:
    return cast(Any, pages)  # type: ignore[no-any-return]


async def test_every_slice_comes_in_order_and_the_next_is_read_meanwhile() -> None:
    pages = Pages(3)
    numbers = []
    async with read_ahead(opened(pages)) as slices:
        async for slice_ in slices:
            numbers += [row.number for row in slice_]
            assert pages.second_asked.wait(60)  # nobody asks for it but whoever reads ahead
    assert (numbers, pages.taken) == ([1, 2, 3], 4)


async def test_nothing_is_read_any_more_once_it_is_left() -> None:
    pages = Pages(1_000_000)

    async def read_one() -> None:
        async with read_ahead(opened(pages)) as slices:
            async for _ in slices:
                raise KeyError

    with pytest.raises(KeyError):
        await read_one()
    taken = pages.taken
    assert taken <= 2
    assert not pages.is_reading
    assert [one.name for one in threading.enumerate() if one.name.startswith("import-rows")] == []


async def test_what_is_damaged_is_told_after_what_came_before_it() -> None:
    seen = 0

    async def read_all() -> None:
        nonlocal seen
        async with read_ahead(opened(Pages(5, damaged_at=3))) as slices:
            async for _ in slices:
                seen += 1

    with pytest.raises(Rejected) as raised:
        await read_all()
    assert (seen, raised.value.reason) == (2, "import.damaged")
