"""XML as callbacks carry it: a flat document of names and texts, read without what makes XML dangerous.

A document type is refused before any of it is looked at: it is where entities are declared that grow
without bounds or fetch other people's files, and no vendor sends one.
"""

from __future__ import annotations

from typing import Final, NoReturn
from xml.parsers import expat

_DEEPEST: Final = 8
_MOST_ELEMENTS: Final = 500


class XmlUnreadable(ValueError):
    """These bytes are no XML that a callback may carry."""


def read_xml(body: bytes) -> dict[str, str]:
    """Return the texts of a document by the names of their elements, the root's left out.

    An element inside another is called ``outer.inner``; of several of one name the first counts.

    :raises XmlUnreadable: if it is no XML, declares a document type, or is deeper or longer than a
        callback is.
    """
    reading = _Reading()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.add
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise XmlUnreadable("no XML") from None
    return reading.texts


def _refuse(*_declared: object) -> NoReturn:
    raise XmlUnreadable("declares a document type or an entity")


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._path: list[str] = []
        self._parts: list[str] = []
        self._elements = 0
        self._is_leaf = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._path) >= _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise XmlUnreadable("deeper or longer than a callback is")
        self._path.append(name)
        self._parts = []
        self._is_leaf = True

    def add(self, text: str) -> None:
        self._parts.append(text)

    def end(self, _name: str) -> None:
        if self._is_leaf and len(self._path) > 1:
            self.texts.setdefault(".".join(self._path[1:]), "".join(self._parts).strip())
        self._path.pop()
        self._parts = []
        self._is_leaf = False
