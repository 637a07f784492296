"""How a lead's tags and touches are shown, wherever a lead is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from pydantic import BaseModel

from services.ingest.domain.channels.touches import Touch
from services.ingest.domain.tag_rules.standing import BY_HAND
from services.ingest.domain.tags.definitions import Tag
from services.ingest.domain.tags.trail import Card
from shared.kernel.instants import to_datetime
from shared.security.tokens import Principal


class TagOnLeadOut(BaseModel):
    """A tag on a lead: its id, its group, its names, and the rule or the person that put it on."""

    tag: str
    group: str
    zh: str
    en: str
    rule: str
    by: str


class TouchOut(BaseModel):
    """What brought somebody: channel and details as the request told them, and the source that told us."""

    at: datetime
    channel: str
    entrance: str
    campaign: str
    source: str
    medium: str
    term: str
    content: str
    ad_ids: dict[str, str]
    click_id: str
    landing_page: str
    referrer: str


def show_tags(tags: Iterable[Tag], card: Card) -> list[TagOnLeadOut]:
    """Return the tags on a card as they are shown."""
    shown = []
    for tag in tags:
        because = card.tags.get(tag.tag, "")
        is_by_hand = because.startswith(BY_HAND)
        shown.append(
            TagOnLeadOut(
                tag=tag.tag,
                group=tag.group,
                zh=tag.zh,
                en=tag.en,
                rule="" if is_by_hand else because,
                by=because.removeprefix(BY_HAND) if is_by_hand else "",
            )
        )
    return shown


def show_touch(touch: Touch | None) -> TouchOut | None:
    """Return a touch as it is shown."""
    if touch is None:
        return None
    return TouchOut(**{**msgspec.structs.asdict(touch), "at": to_datetime(touch.at)})


def who(principal: Principal) -> str:
    """Return what a person is called in events: a rep's id, else the name of the token."""
    return principal.subject or principal.name
