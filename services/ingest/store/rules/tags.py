"""The document of tags: groups, tags and rules, checked whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import field

from services.ingest.domain.forms.definitions import FormDocument
from services.ingest.domain.tag_rules.rules import TagDefinitions, find_faults
from services.ingest.domain.tags.definitions import GROUPS, GroupName, Tag, TagRule
from shared.documents.faults import Fault, raise_if_any
from shared.documents.versions import Document, load_document


class TagsDocument(Document, frozen=True, kw_only=True):
    """Groups, tags and rules; see :class:`services.ingest.domain.tags.definitions.TagRule`."""

    groups: dict[str, GroupName]
    tags: list[Tag]
    rules: list[TagRule] = field(default_factory=list)


def read_tags(folder: Path, *, forms: Iterable[FormDocument] = ()) -> TagDefinitions:
    """Read ``tags.yaml``; the tags that ``forms`` put on have to be there, too.

    :raises DocumentFaults: with every fault and its path.
    """
    path = folder / "tags.yaml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise_if_any([Fault(path.name, "is missing or not UTF-8")], about="documents of kind tags")
        raise
    document = load_document(text, kind="tags", shape=TagsDocument, about=path.name).body
    definitions = TagDefinitions(
        version=document.version, groups=document.groups, tags=document.tags, rules=document.rules
    )
    known = {tag.tag for tag in document.tags}
    faults = [Fault(f"tags.yaml: {fault.path}", fault.text) for fault in find_faults(definitions)]
    faults += [
        Fault(f"tags.yaml: groups.{group}", f"give each of {', '.join(GROUPS)}, and no other")
        for group in sorted(document.groups.keys() ^ set(GROUPS))
    ]
    faults += [
        Fault(f"{form.name}.yaml, version {form.version}: tags", f"{tag} is no tag; add it to tags.yaml")
        for form in forms
        for tag in form.tags
        if tag not in known
    ]
    raise_if_any(faults, about="documents of kind tags")
    return definitions
