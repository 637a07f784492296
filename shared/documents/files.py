"""Reads business documents from a folder: the only module here that touches a disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shared.documents.faults import DocumentFaults, Fault, raise_if_any
from shared.documents.versions import D, DocumentKey, Loaded, load_document


def read_documents(folder: Path, *, kind: str, shape: type[D]) -> Mapping[DocumentKey, Loaded[D]]:
    """Read every ``*.yaml`` in ``folder``, in order of name; a folder that is not there holds none.

    A file is named after its document (``mql.yaml`` holds ``name: mql``); further versions may stand
    beside it as ``mql.2.yaml``.

    :raises DocumentFaults: with every fault of every file, each led by the file's name.
    """
    found: dict[DocumentKey, Loaded[D]] = {}
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            loaded = load_document(path.read_text("utf-8"), kind=kind, shape=shape, about=path.name)
        except UnicodeDecodeError:
            faults.append(Fault(path.name, "is not UTF-8; save it as UTF-8"))
            continue
        except DocumentFaults as error:
            faults.extend(
                Fault(f"{path.name}: {fault.path}".rstrip(": "), fault.text) for fault in error.faults
            )
            continue
        if path.name.partition(".")[0] != loaded.key.name:
            faults.append(Fault(path.name, f"holds the document {loaded.key.name}; give both one name"))
        if loaded.key in found:
            faults.append(Fault(path.name, f"{loaded.key} is in another file too; raise the version"))
        found[loaded.key] = loaded
    raise_if_any(faults, about=f"documents of kind {kind}")
    return found
