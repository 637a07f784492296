"""How tables are read: the document ``config/ingest/imports.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.ingest.domain.imports.definitions import ImportRules, KindDefinition, find_faults
from shared.documents.faults import Fault, raise_if_any
from shared.documents.versions import Document, load_document

_NAME: Final = "imports.yaml"


class ImportsDocument(Document, frozen=True, kw_only=True):
    """Kinds of tables; see :class:`services.ingest.domain.imports.definitions.ImportRules`."""

    history_after_days: int
    currencies: dict[str, tuple[str, ...]]
    statuses: dict[str, tuple[str, ...]]
    kinds: dict[str, KindDefinition]


def read_import_rules(folder: Path) -> ImportRules:
    """Read the document.

    :raises DocumentFaults: with every fault and its path.
    """
    try:
        text = (folder / _NAME).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise_if_any([Fault(_NAME, "is missing or not UTF-8")], about="documents of kind imports")
        raise
    document = load_document(text, kind="imports", shape=ImportsDocument, about=_NAME).body
    rules = ImportRules(
        history_after_days=document.history_after_days,
        currencies=document.currencies,
        statuses=document.statuses,
        kinds=document.kinds,
    )
    raise_if_any(list(find_faults(rules)), about=_NAME)
    return rules
