"""Tags as documents and people define them.

A tag has an id for good; its names may change. One that is retired stays where it is and can be put on
nobody any more; one that was merged stands for the tag that it was merged into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from services.ingest.domain.choices import fold

GROUPS: Final = ("industry", "role", "need", "behaviour", "source", "state")
"""The six groups of I6."""

State = Literal["proposed", "active", "retired", "merged"]

_SEPARATOR: Final = "."
_LONGEST_ID: Final = 100
_NO_LETTER: Final = re.compile(r"[\W_]+")
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,62}(?:\.[\w]{1,63})?")


class GroupName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a group is called."""

    zh: str
    en: str


class Tag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tag: its id for good, its group and its names; ``into`` is the tag that it was merged into.

    A tag with ``each`` stands for many: one for each value of what a rule names, ``live_event.spring_fair``.
    """

    tag: str
    group: Literal["industry", "role", "need", "behaviour", "source", "state"]
    zh: str
    en: str
    each: bool = False
    state: State = "active"
    into: str = ""


class TagRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What puts tags on or takes them off.

    With ``on`` it is about things that happen (an act, an outcome, or ``touch``: something brought
    them), and holds from then on until another rule takes the tag off. Without, it is about how a lead
    stands, and holds as long as that is so. ``when`` is a condition (docs: conditions), ``words`` are
    texts of which one has to occur in a field (none: it is filled in). ``put_each`` names the field whose
    value makes the tag.
    """

    rule: str
    on: list[str] = []
    when: Any = None
    words: dict[str, list[str]] = {}
    put: list[str] = []
    take: list[str] = []
    put_each: dict[str, str] = {}


def is_tag_id(text: str) -> bool:
    """Return whether a text can be the id of a tag: small letters, figures and underscores."""
    return len(text) <= _LONGEST_ID and _ID.fullmatch(text) is not None


def one_of_each(tag: str, value: str) -> str:
    """Return the id of the tag that stands for one value; empty if nothing of the value can be in an id."""
    part = _NO_LETTER.sub("_", fold(value)).strip("_")[:60]
    return f"{tag}{_SEPARATOR}{part}" if part else ""


class Catalogue:
    """All tags: those of the document, and what people added and changed since, which wins."""

    def __init__(self, shipped: Mapping[str, Tag], own: Mapping[str, Tag]) -> None:
        self._shipped = shipped
        self._own = own

    def find(self, tag: str) -> Tag | None:
        """Return a tag as it stands now, None if there is none of this id."""
        found = self._own.get(tag) or self._shipped.get(tag)
        if found is not None:
            return found
        kind, dot, part = tag.partition(_SEPARATOR)
        each = self._shipped.get(kind) if dot else None
        if each is None or not each.each or not is_tag_id(tag):
            return None
        name = part.replace("_", " ")
        return Tag(tag=tag, group=each.group, zh=f"{each.zh}：{name}", en=f"{each.en}: {name}")

    def follow(self, tag: str) -> Tag | None:
        """Return the tag that an id stands for now: the one it was merged into, else itself."""
        found = self.find(tag)
        for _ in range(len(self._own) + 1):
            if found is None or found.state != "merged":
                return found
            found = self.find(found.into)
        return None

    def standing_for(self, tag: str) -> list[str]:
        """Return the ids that stand for a tag, its own included."""
        merged = [one for one in self._own if self._own[one].state == "merged"]
        return [tag, *sorted(one for one in merged if (to := self.follow(one)) is not None and to.tag == tag)]

    def __iter__(self) -> Iterator[Tag]:
        yield from (self._own.get(one, self._shipped.get(one)) for one in self._ids())  # type: ignore[misc]

    def _ids(self) -> list[str]:
        return sorted(self._shipped.keys() | self._own.keys())
