"""Who may be given a lead now, and why the others may not: each skip has a reason that people can read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from services.routing.domain.people import Rep, suits
from shared.kernel.instants import Instant

LEFT: Final = "left"
ON_LEAVE: Final = "on_leave"
AT_CAPACITY: Final = "at_capacity"
OTHER_REGION: Final = "other_region"
OTHER_PRODUCT_LINE: Final = "other_product_line"
HAD_IT_LATELY: Final = "had_it_lately"

MEANINGS: Final[Mapping[str, str]] = {
    LEFT: "is no longer in the document of people",
    ON_LEAVE: "is away that day",
    AT_CAPACITY: "owns as many leads as they may",
    OTHER_REGION: "takes leads of other regions",
    OTHER_PRODUCT_LINE: "takes leads of other product lines",
    HAD_IT_LATELY: "lost or gave up this very lead a short while ago",
}


def why_skipped(
    rep: Rep,
    *,
    attributes: Mapping[str, object],
    today: date,
    had_it: Instant | None,
    rests_until: int,
    now: Instant,
) -> str:
    """Return why a rep is skipped, empty if they are not.

    ``had_it`` is when they last lost or gave up this lead, ``rests_until`` how many microseconds they
    are not given it again after that.
    """
    if not rep.is_active:
        return LEFT
    if rep.is_away(today):
        return ON_LEAVE
    if rep.is_full:
        return AT_CAPACITY
    if not suits(rep.regions, attributes.get("region")):
        return OTHER_REGION
    if not suits(rep.product_lines, attributes.get("product_line")):
        return OTHER_PRODUCT_LINE
    if had_it is not None and now < had_it + rests_until:
        return HAD_IT_LATELY
    return ""
