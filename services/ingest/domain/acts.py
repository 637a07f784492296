"""Acts: what a client reports that somebody did, under our names for it.

The declared acts are those that rules of scoring ship with; any other name is recorded as it came,
with the properties that cannot name a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.choices import read_yes_no
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.scrubbing import Scalar, scrub_label, scrub_path, scrub_properties, scrub_text
from services.ingest.domain.traits import fold_name, read_start

PAGE: Final = "Page"
FORM: Final = "Form Submitted"
UNSUBSCRIBED: Final = "Unsubscribed"

_LONGEST_NAME: Final = 100
_MAIL: Final = "email"
_CHANNEL: Final = re.compile("[a-z][a-z_]{0,19}")


class Act(NamedTuple):
    """Something that was done: our name for it, and its fields; nothing in them names a person.

    ``is_declared`` acts have the fields of their declaration, others any scalar properties. ``tags`` are
    those that a form's document puts on.
    """

    name: str
    fields: dict[str, Scalar]
    is_declared: bool
    tags: Sequence[str] = ()


_TEXTS: Final[Mapping[str, Sequence[str]]] = {
    FORM: ("form",),
    "Demo Requested": (),
    "Trial Requested": (),
    "Document Downloaded": ("document", "kind"),
    "Proposal Opened": ("proposal",),
    "Email Opened": ("message",),
    "Email Link Clicked": ("message", "link", "purpose"),
    "Live Event Attended": ("live_event",),
    "Chat Started": (),
    UNSUBSCRIBED: ("message", "delivery_channel"),
}
"""Declared acts and their texts; the first is the object for once-per-object (design, section 11)."""


class ActNames(msgspec.Struct, frozen=True, kw_only=True):
    """Other spellings of declared acts and of their properties, as the document gives them."""

    names: dict[str, list[str]] = {}
    properties: dict[str, list[str]] = {}


class PageKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of page and the patterns of its paths; ``*`` stands for anything."""

    kind: str
    paths: list[str]


class ActReader:
    """Reads acts by the documents it was made with."""

    def __init__(self, *, names: ActNames, page_kinds: Sequence[PageKind]) -> None:
        self._declared = {
            fold_name(spelling): name for name in _TEXTS for spelling in (name, *names.names.get(name, ()))
        }
        self._spellings = {
            name: frozenset(fold_name(spelling) for spelling in (name, *names.properties.get(name, ())))
            for texts in _TEXTS.values()
            for name in texts
        }
        self._patterns = [
            (re.compile("|".join(translate(path.lower()) for path in kind.paths)), kind.kind)
            for kind in page_kinds
        ]
        self.kind_of = lru_cache(maxsize=8192)(self._find_kind)

    def _find_kind(self, path: str) -> str:
        folded = path.lower()
        return next((kind for pattern, kind in self._patterns if pattern.match(folded)), "")

    def read_page(self, *candidates: object) -> Act:
        """Return the view of a page; its path is the first candidate that is a text."""
        address = next((text for text in candidates if isinstance(text, str) and text), "")
        path = scrub_path(address) or "/"
        if len(path) > 1 and path.endswith("/"):
            path = path.rstrip("/") or "/"
        return Act(PAGE, {"path": path, "kind": self.kind_of(path)}, is_declared=True)

    def read_screen(self, name: object, properties: Mapping[str, object]) -> Act:
        """Return the view of an app's screen."""
        fields = scrub_properties(properties)
        text = clean_text(name)
        if text is not None:
            fields["screen"] = scrub_text(text)
        return Act("Screen Viewed", fields, is_declared=False)

    def find(self, name: str) -> str | None:
        """Return the declared act that clients call ``name``, None if there is none."""
        return self._declared.get(fold_name(name))

    def read(self, name: str, properties: Mapping[str, object]) -> Act:
        """Return the act that a client calls ``name``."""
        declared = self.find(name)
        if declared is None:
            return Act(scrub_text(name)[:_LONGEST_NAME], scrub_properties(properties), is_declared=False)
        fields: dict[str, Scalar] = {}
        if properties and _TEXTS[declared]:
            given = {fold_name(key): value for key, value in properties.items()}
            for text in _TEXTS[declared]:
                fields[text] = self._find_text(given, text)
            if declared == "Live Event Attended":
                fields["offline"] = bool(read_yes_no(given.get("offline")))
            elif declared == UNSUBSCRIBED:
                fields["delivery_channel"] = _read_channel(fields["delivery_channel"])
            elif declared == FORM:
                fields["start_within_months"] = read_start(given.get("startwithinmonths"))
        else:
            fields.update(dict.fromkeys(_TEXTS[declared], ""))
            if declared == UNSUBSCRIBED:
                fields["delivery_channel"] = _MAIL
        return Act(declared, fields, is_declared=True)

    def _find_text(self, given: Mapping[str, object], name: str) -> str:
        own = clean_text(given.get(fold_name(name)))
        if own is None:
            spellings = self._spellings[name]
            own = next(
                (text for key, value in given.items() if key in spellings and (text := clean_text(value))),
                None,
            )
        if own is None:
            return ""
        if name == "form":
            return scrub_label(own)
        return scrub_path(own) if name == "link" else scrub_text(own)


def _read_channel(text: Scalar) -> str:
    """Return the delivery channel that somebody wants to hear no more on; mail if they did not say."""
    folded = str(text or "").strip().lower().replace("-", "_")
    return folded if _CHANNEL.fullmatch(folded) else _MAIL
