"""Name, version and digest of documents: what was published under a version stays what it was."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Meta

from shared.documents.checking import check_document
from shared.documents.faults import Fault, raise_if_any
from shared.documents.yaml_text import parse_yaml

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
"""A document's or a part's name: small letters, digits and underscores, 63 at most."""

Version = Annotated[int, Meta(ge=1)]
"""Versions count from 1 and only rise."""


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every business document starts with."""

    name: Name
    version: Version
    description: str = ""


class DocumentKey(NamedTuple):
    """What a digest stands for."""

    kind: str
    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name}, version {self.version}"


class Named(Protocol):
    """What a document's shape must have, whether it derives from :class:`Document` or not."""

    @property
    def name(self) -> str:
        """The document's name."""
        ...

    @property
    def version(self) -> int:
        """The document's version."""
        ...


D = TypeVar("D", bound=Named)


class Loaded(NamedTuple, Generic[D]):
    """A checked document with its identity."""

    key: DocumentKey
    digest: str
    body: D


def load_document(text: str, *, kind: str, shape: type[D], about: str = "") -> Loaded[D]:
    """Parse and check the text of one document of ``kind``; ``about`` names it in faults.

    :raises DocumentFaults: with every fault, each with its path.
    """
    data = parse_yaml(text, about=about or kind)
    body = check_document(data, shape, about=about or kind)
    return Loaded(DocumentKey(kind, body.name, body.version), digest_of(data), body)


def digest_of(data: object) -> str:
    """Return 32 hexadecimal digits of what a document says; comments, layout and order of keys are naught."""
    return blake2b(msgspec.json.encode(data, order="deterministic"), digest_size=16).hexdigest()


def refuse_silent_changes(published: Mapping[DocumentKey, str], loaded: Mapping[DocumentKey, str]) -> None:
    """Compare digests with those that were published; a new version, or no change, is fine.

    :raises DocumentFaults: naming every document that says something else under a published version,
        or that would go back below the newest published one without being one of them.
    """
    newest: dict[tuple[str, str], int] = {}
    for key in published:
        newest[key.kind, key.name] = max(key.version, newest.get((key.kind, key.name), 0))
    faults: list[Fault] = []
    for key, digest in sorted(loaded.items()):
        last = newest.get((key.kind, key.name), 0)
        if key in published:
            if published[key] != digest:
                text = f"was published with other content; give the change version {last + 1}"
                faults.append(Fault(str(key), text))
        elif key.version < last:
            faults.append(Fault(str(key), f"version {last} is published already; use {last + 1} or later"))
    raise_if_any(faults, about="documents")
