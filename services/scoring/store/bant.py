"""The documents for BANT and for attention, as they lie in the configuration folder."""

from __future__ import annotations

from pathlib import Path

from services.scoring.domain.attention.document import AttentionDocument
from services.scoring.domain.bant.document import BantDocument
from shared.documents.faults import DocumentFaults, Fault
from shared.documents.versions import D, load_document


def read_bant(folder: Path) -> BantDocument:
    """Read and check the shape of ``bant.yaml``.

    :raises DocumentFaults: with every fault and its path.
    """
    return _read(folder, "bant", BantDocument)


def read_attention(folder: Path) -> AttentionDocument:
    """Read and check the shape of ``attention.yaml``.

    :raises DocumentFaults: with every fault and its path.
    """
    return _read(folder, "attention", AttentionDocument)


def _read(folder: Path, kind: str, shape: type[D]) -> D:
    path = folder / f"{kind}.yaml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentFaults([Fault(path.name, "is missing or not UTF-8")], about=kind) from error
    return load_document(text, kind=kind, shape=shape, about=path.name).body
