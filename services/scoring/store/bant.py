"""The document for BANT, as it lies in the configuration folder."""

from __future__ import annotations

from pathlib import Path

from services.scoring.domain.bant.document import BantDocument
from shared.documents.faults import DocumentFaults, Fault
from shared.documents.versions import load_document

_KIND = "bant"


def read_bant(folder: Path) -> BantDocument:
    """Read and check the shape of ``bant.yaml``.

    :raises DocumentFaults: with every fault and its path.
    """
    path = folder / f"{_KIND}.yaml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentFaults([Fault(path.name, "is missing or not UTF-8")], about=_KIND) from error
    return load_document(text, kind=_KIND, shape=BantDocument, about=path.name).body
