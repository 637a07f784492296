"""What people ask of tags: put them on, take them off, propose, approve, rename, merge and retire."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from services.ingest.domain.scrubbing import scrub_text
from services.ingest.domain.tags.definitions import Catalogue, Tag, is_tag_id
from shared.kernel.errors import Rejected

MOST_LEADS: Final = 100
"""As many leads one command is about; more are cut into several."""

MOST_TAGS: Final = 20


class TagLeads(msgspec.Struct, frozen=True, kw_only=True):
    """The command: put tags on some leads and take others off, by hand. ``owner``: only this rep's own."""

    leads: tuple[str, ...]
    put: tuple[str, ...] = ()
    take: tuple[str, ...] = ()
    by: str
    reason: str = ""
    owner: str | None = None


class ChangeTag(msgspec.Struct, frozen=True, kw_only=True):
    """The command: change the catalogue. ``into`` is for a merge, names and group for what has them."""

    tag: str
    what: Literal["propose", "approve", "rename", "merge", "retire", "revive"]
    by: str
    group: str = ""
    zh: str = ""
    en: str = ""
    into: str = ""
    reason: str = ""


class TagUnknown(Rejected):
    """There is no tag with this id; GET /v1/tags lists them, POST /v1/tags proposes a new one."""

    code = "tag.unknown"


class TagExists(Rejected):
    """There is a tag with this id; rename it, or choose another id."""

    code = "tag.exists"


class TagMalformed(Rejected):
    """A tag's id is made of small letters, figures and underscores, and it has names in zh and en."""

    code = "tag.malformed"


class TagNotApproved(Rejected):
    """This tag has been proposed only; whoever owns the rules (a marketer or administrator) approves it."""

    code = "tag.not_approved"


class TagRetired(Rejected):
    """This tag is retired: it stays where it is, and goes on nobody any more."""

    code = "tag.retired"


class TagUnchangeable(Rejected):
    """That cannot be done with a tag in this state; GET /v1/tags/<tag> shows it."""

    code = "tag.state"


def tags_to_put(catalogue: Catalogue, wanted: tuple[str, ...], *, field: str = "put") -> list[str]:
    """Return the ids to put on, of merged tags those that they stand for; ``field`` is where they stood.

    :raises Rejected: if one is unknown, not approved, or retired.
    """
    found = []
    for one in wanted:
        tag = catalogue.follow(one)
        if tag is None:
            raise TagUnknown(field=field)
        if tag.state == "proposed":
            raise TagNotApproved(field=field)
        if tag.state == "retired":
            raise TagRetired(field=field)
        found.append(tag.tag)
    return found


def tags_to_take(catalogue: Catalogue, wanted: tuple[str, ...], *, field: str = "take") -> list[str]:
    """Return the ids to take off. :raises TagUnknown: if there is none of an id."""
    found = []
    for one in wanted:
        tag = catalogue.follow(one)
        if tag is None:
            raise TagUnknown(field=field)
        found.append(tag.tag)
    return found


def change_tag(catalogue: Catalogue, command: ChangeTag) -> Tag:
    """Return the tag as it is from now on.

    :raises Rejected: if it cannot be: unknown, there already, or in a state where that makes no sense.
    """
    known = catalogue.find(command.tag)
    zh, en = (scrub_text(text.strip())[:100] for text in (command.zh, command.en))
    if command.what == "propose":
        return _proposed(known, command, zh=zh, en=en)
    if known is None:
        raise TagUnknown
    match command.what, known.state:
        case "approve", "proposed":
            return msgspec.structs.replace(known, state="active")
        case "rename", "proposed" | "active" | "retired" if zh or en:
            return msgspec.structs.replace(known, zh=zh or known.zh, en=en or known.en)
        case "retire", "proposed" | "active":
            return msgspec.structs.replace(known, state="retired")
        case "revive", "retired":
            return msgspec.structs.replace(known, state="active")
        case "merge", "proposed" | "active" | "retired":
            return _merged(catalogue, known, command.into)
    raise TagUnchangeable


def _proposed(known: Tag | None, command: ChangeTag, *, zh: str, en: str) -> Tag:
    if not is_tag_id(command.tag) or "." in command.tag:
        raise TagMalformed(field="tag")
    if not (zh and en):
        raise TagMalformed(field="zh" if not zh else "en")
    if known is not None:
        raise TagExists(field="tag")
    try:
        return msgspec.convert(
            {"tag": command.tag, "group": command.group, "zh": zh, "en": en, "state": "proposed"}, Tag
        )
    except msgspec.ValidationError as refused:
        raise TagMalformed("the group is none of the six", field="group") from refused


def _merged(catalogue: Catalogue, known: Tag, into: str) -> Tag:
    to = catalogue.follow(into)
    if to is None:
        raise TagUnknown(field="into")
    if to.tag == known.tag or to.state != "active" or known.each:
        raise TagUnchangeable(field="into")
    return msgspec.structs.replace(known, state="merged", into=to.tag)
