"""A tracking link, and what can be asked of links: add one, change one. Links are never deleted."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from services.ingest.domain.links.addresses import check_target
from services.ingest.domain.scrubbing import identifies
from shared.kernel.errors import Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant

_NAME: Final = re.compile("[a-z0-9][a-z0-9_-]{0,63}")
_SOURCE: Final = _NAME
_LONGEST_TEXT: Final = 100
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_LETTERS_OF_A_NAME: Final = 7

SOURCE: Final = "links"
"""The source that clicks belong to unless a link names another."""

TEXTS: Final = ("campaign", "ad", "keyword", "utm_source", "utm_medium", "rep", "note")
"""What a link says besides where it leads."""


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One link, as it stands now.

    ``campaign``, ``ad``, ``keyword``, ``utm_source`` and ``utm_medium`` are what brought whoever clicks;
    ``rep`` is whose link it is, by the rep's id. One that is ``retired`` still leads on.
    """

    name: str
    target: str
    source: str = SOURCE
    campaign: str = ""
    ad: str = ""
    keyword: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    rep: str = ""
    note: str = ""
    created: Instant = 0
    created_by: str = ""
    changed: Instant = 0
    changed_by: str = ""
    retired: Instant | None = None

    @property
    def utm(self) -> dict[str, str]:
        """What the link adds to its target."""
        return {
            "utm_source": self.utm_source,
            "utm_medium": self.utm_medium,
            "utm_campaign": self.campaign,
            "utm_term": self.keyword,
            "utm_content": self.ad,
        }


class AddLink(msgspec.Struct, frozen=True, kw_only=True):
    """The command: let there be a link. ``texts`` are some of :data:`TEXTS`."""

    name: str
    target: str
    source: str = SOURCE
    texts: dict[str, str] = {}
    by: str = ""


class ChangeLink(msgspec.Struct, frozen=True, kw_only=True):
    """The command: change a link from now on, retire it, or bring it back; None leaves a thing as it is."""

    name: str
    target: str | None = None
    texts: dict[str, str] = {}
    is_retired: bool | None = None
    by: str = ""


class LinkUnknown(Rejected):
    """There is no link of this name; GET /v1/links or `leadmill link list` lists them."""

    code = "link.unknown"


class LinkTaken(Rejected):
    """There is another link of this name; choose one, or change that one."""

    code = "link.taken"


class LinkMalformed(Rejected):
    """A link's name and source are up to 64 of a-z, 0-9, - and _; texts are up to 100 and name nobody."""

    code = "link.malformed"


class CampaignMissing(Rejected):
    """A link belongs to a campaign; say which."""

    code = "link.campaign_missing"


def is_name(text: str) -> bool:
    """Return whether a link can be called so."""
    return _NAME.fullmatch(text) is not None


def invent_name(lot: str) -> str:
    """Return a short name that follows from ``lot``; letters that look alike are not in it."""
    number = int(deterministic_id("link", lot), 16)
    letters = []
    for _ in range(_LETTERS_OF_A_NAME):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)


def make_link(command: AddLink, *, at: Instant) -> Link:
    """Return the link that a command asks for.

    :raises LinkMalformed: if its name, its source or a text is of no use.
    :raises CampaignMissing: if it belongs to no campaign.
    :raises TargetRefused: if it would lead to no address of the web.
    """
    for field, text, pattern in (("link", command.name, _NAME), ("source", command.source, _SOURCE)):
        if pattern.fullmatch(text) is None:
            raise LinkMalformed(field=field)
    texts = _check_texts(command.texts)
    if not texts.get("campaign"):
        raise CampaignMissing(field="campaign")
    link = Link(
        name=command.name,
        target=check_target(command.target),
        source=command.source,
        created=at,
        created_by=command.by,
        changed=at,
        changed_by=command.by,
    )
    return msgspec.structs.replace(link, **texts)


def change_link(link: Link, command: ChangeLink, *, at: Instant) -> Link:
    """Return the link as a command wants it; the same object if it is so already.

    :raises LinkMalformed: if a text is of no use.
    :raises CampaignMissing: if it would belong to no campaign.
    :raises TargetRefused: if it would lead to no address of the web.
    """
    target = link.target if command.target is None else check_target(command.target)
    retired = link.retired
    if command.is_retired is not None and command.is_retired != (retired is not None):
        retired = at if command.is_retired else None
    wanted = msgspec.structs.replace(link, target=target, retired=retired, **_check_texts(command.texts))
    if not wanted.campaign:
        raise CampaignMissing(field="campaign")
    if wanted == link:
        return link
    return msgspec.structs.replace(wanted, changed=at, changed_by=command.by)


def says_the_same(first: Link, second: Link) -> bool:
    """Return whether two links lead to the same place and say the same, whoever made them and when."""
    return all(getattr(first, name) == getattr(second, name) for name in ("target", "source", *TEXTS))


def _check_texts(texts: dict[str, str]) -> dict[str, str]:
    checked: dict[str, str] = {}
    for name, text in texts.items():
        short = text.strip()
        if name not in TEXTS or len(short) > _LONGEST_TEXT or not short.isprintable() or identifies(short):
            raise LinkMalformed(field=name)
        checked[name] = short
    return checked
