"""Touches: what brought somebody first, and what last.

The oldest touch is the first for good, whatever arrives or merges later; a late message with an older
moment corrects it. A visit without a trace of where it came from (direct) is the last touch only where
there is no other: it does not replace what brought them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.ingest.domain.channels.classifying import DIRECT
from services.ingest.domain.intake import Acquisition
from shared.kernel.instants import Instant


class Touch(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What brought somebody at one moment, and ``entrance``, the source that told us."""

    at: Instant
    channel: str
    entrance: str
    campaign: str = ""
    source: str = ""
    medium: str = ""
    term: str = ""
    content: str = ""
    ad_ids: dict[str, str] = {}
    click_id: str = ""
    landing_page: str = ""
    referrer: str = ""


def touch_of(acquisition: Acquisition, *, at: Instant, entrance: str) -> Touch:
    """Return a touch as a message tells it."""
    return Touch(
        at,
        acquisition.channel,
        entrance,
        campaign=acquisition.campaign,
        source=acquisition.source,
        medium=acquisition.medium,
        term=acquisition.keyword,
        content=acquisition.ad,
        ad_ids=dict(acquisition.ad_ids),
        click_id=acquisition.click_id,
        landing_page=acquisition.landing_page,
        referrer=acquisition.referrer,
    )


def first_of(touches: Iterable[Touch | None]) -> Touch | None:
    """Return the oldest touch; of equally old ones always the same."""
    first: Touch | None = None
    for one in touches:
        if one is not None and (first is None or _is_older(one, first)):
            first = one
    return first


def last_of(touches: Iterable[Touch | None]) -> Touch | None:
    """Return the newest touch that is not direct, the newest direct one if there is no other."""
    last: Touch | None = None
    for one in touches:
        if one is not None and (last is None or _weighs_more(one, last)):
            last = one
    return last


def is_new(touch: Touch, *, first: Touch | None, last: Touch | None) -> bool:
    """Return whether a touch is the first or the last; told by the moments, where these tell it."""
    if first is None or last is None or touch.at <= first.at:
        return True
    if touch.channel == DIRECT and last.channel != DIRECT:
        return False
    return touch.at >= last.at or last.channel == DIRECT


def _is_older(one: Touch, other: Touch) -> bool:
    return one.at < other.at or (one.at == other.at and _rest(one) < _rest(other))


def _weighs_more(one: Touch, other: Touch) -> bool:
    weight, against = (one.channel != DIRECT, one.at), (other.channel != DIRECT, other.at)
    return weight > against or (weight == against and _rest(one) > _rest(other))


def _rest(touch: Touch) -> tuple[object, ...]:
    texts = (touch.channel, touch.entrance, touch.campaign, touch.source, touch.medium, touch.term)
    more = (touch.content, touch.click_id, touch.landing_page, touch.referrer)
    return (*texts, *more, sorted(touch.ad_ids.items()))
