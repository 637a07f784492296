"""Pages by key: stable while rows come and go, and as fast on the last page as on the first.

A page is cut from one row more than it shows; its cursor holds the sort key of its last row, for
nobody else to read. ``WHERE (score, id) < ($1, $2) ORDER BY score DESC, id DESC LIMIT $3``.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from fastapi import Depends, Query
from pydantic import BaseModel

from shared.kernel.errors import Rejected

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K", bound=tuple[Any, ...])

MOST_PER_PAGE: Final = 200


class CursorMalformed(Rejected):
    """Take the cursor from the `next` of the page before, unchanged; or leave it out to begin anew."""

    code = "page.cursor"


class Page(BaseModel, Generic[T]):
    """Some of the items. `next` is the cursor of the next page; it is null on the last."""

    items: list[T]
    next: str | None = None


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for: how many items, after which cursor."""

    limit: int
    cursor: str | None

    @property
    def fetch_limit(self) -> int:
        """How many rows to read: one more than are shown, to know whether there is a next page."""
        return self.limit + 1

    def after(self, key: type[K]) -> K | None:
        """Return the sort key after which the page begins; None for the first page.

        ``key`` is its type, for example ``tuple[int, str]``.

        :raises CursorMalformed: if the cursor is not one of ours, or of another list.
        """
        if self.cursor is None:
            return None
        try:
            found: K = msgspec.json.decode(urlsafe_b64decode(self.cursor.encode("ascii")), type=key)
        except (ValueError, msgspec.MsgspecError) as error:
            raise CursorMalformed from error
        return found


def read_page_request(
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE, description="Items per page")] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000, description="`next` of the page before")] = None,
) -> PageRequest:
    """Read a page request from the query."""
    return PageRequest(limit=limit, cursor=cursor)


Paging = Annotated[PageRequest, Depends(read_page_request)]
"""The page request as a route's parameter."""


def cut_page(
    rows: Sequence[R], request: PageRequest, *, key: Callable[[R], tuple[Any, ...]]
) -> tuple[Sequence[R], str | None]:
    """Return the rows to show and the next page's cursor, from ``fetch_limit`` rows or fewer."""
    shown = rows[: request.limit]
    if len(rows) <= request.limit:
        return shown, None
    return shown, urlsafe_b64encode(msgspec.json.encode(key(shown[-1]))).decode("ascii")
