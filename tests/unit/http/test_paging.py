"""Pages by key."""

from __future__ import annotations

from typing import NamedTuple

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st

from shared.http.paging import CursorMalformed, Page, PageRequest, Paging, cut_page
from tests.unit.http.conftest import Call


class Scored(NamedTuple):
    points: int
    lead: str


def read(rows: list[Scored], request: PageRequest) -> tuple[list[Scored], str | None]:
    """What a query does: order, go on after the key, take one more than is shown."""
    after = request.after(tuple[int, str])
    found = [row for row in sorted(rows) if after is None or (row.points, row.lead) > after]
    shown, following = cut_page(found[: request.fetch_limit], request, key=lambda row: (row.points, row.lead))
    return list(shown), following


class TestPages:
    @given(
        rows=st.lists(st.builds(Scored, st.integers(-5, 5), st.text(max_size=3)), unique=True, max_size=40),
        limit=st.integers(1, 7),
    )
    def test_together_show_every_row_once_in_order(self, rows: list[Scored], limit: int) -> None:
        seen: list[Scored] = []
        cursor: str | None = None
        while True:
            shown, cursor = read(rows, PageRequest(limit=limit, cursor=cursor))
            seen += shown
            if cursor is None:
                break
            assert len(shown) == limit
        assert seen == sorted(rows)

    def test_show_no_row_twice_when_one_is_added_before_the_cursor(self) -> None:
        rows = [Scored(number, "x") for number in range(10)]
        first, cursor = read(rows, PageRequest(limit=5, cursor=None))
        second, _ = read([Scored(-1, "new"), *rows], PageRequest(limit=5, cursor=cursor))
        assert first + second == rows

    @pytest.mark.parametrize("cursor", ["", "x", "bm9uc2Vuc2U=", "WzEsMl0=", "WzFd", "…"])
    def test_refuse_a_cursor_that_is_not_theirs(self, cursor: str) -> None:
        with pytest.raises(CursorMalformed):
            PageRequest(limit=5, cursor=cursor).after(tuple[int, str])


async def test_a_route_takes_limit_and_cursor_and_gives_items_and_next(client_of: Call) -> None:
    router = APIRouter()
    rows = [Scored(number, "x") for number in range(5)]

    @router.get("/things")
    async def list_things(paging: Paging) -> Page[int]:
        shown, following = read(rows, paging)
        return Page(items=[row.points for row in shown], next=following)

    client: httpx.AsyncClient = client_of(routers=[router])
    first = (await client.get("/things", params={"limit": 3})).json()
    assert first["items"] == [0, 1, 2]
    second = (await client.get("/things", params={"limit": 3, "cursor": first["next"]})).json()
    assert second == {"items": [3, 4], "next": None}
    refused = await client.get("/things", params={"cursor": "nonsense"})
    assert (refused.status_code, refused.json()["code"]) == (400, "page.cursor")
    assert (await client.get("/things", params={"limit": 1_000})).status_code == 422
