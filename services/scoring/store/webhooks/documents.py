"""Reads ``config/scoring/webhooks.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.scoring.domain.webhooks.document import WebhooksDocument, find_faults
from shared.documents.faults import Fault, raise_if_any
from shared.documents.versions import load_document

_NAME: Final = "webhooks.yaml"


def read_webhook_rules(folder: Path) -> WebhooksDocument:
    """Read the document in scoring's folder.

    :raises DocumentFaults: with every fault and its path.
    """
    try:
        text = (folder / _NAME).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise_if_any([Fault(_NAME, "is missing or not UTF-8")], about="documents of kind webhooks")
        raise
    document = load_document(text, kind="webhooks", shape=WebhooksDocument, about=_NAME).body
    raise_if_any([Fault(path, problem) for path, problem in find_faults(document)], about=_NAME)
    return document
