"""Reads nurture's business documents: sequences, contents, scanners, and the calendar to send by."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from services.nurture.domain.contents import ContentDocument, ContentSet
from services.nurture.domain.course import Rules
from services.nurture.domain.engagements import ScannerDocument, Scanners
from services.nurture.domain.sequences import SequenceDocument, SequenceSet
from shared.documents.calendars import load_calendars
from shared.documents.faults import Fault, raise_if_any
from shared.documents.files import read_documents
from shared.documents.versions import load_document
from shared.kernel.faults import allowed, show

FOLDER: Final = "nurture"


class Rulebook(NamedTuple):
    """Everything that documents say of nurturing."""

    rules: Rules
    scanners: Scanners


def read_rulebook(config: Path, *, calendar: str) -> Rulebook:
    """Read, check and compile the documents in ``config/nurture``; ``calendar`` names one of the calendars.

    :raises Rejected: with every fault of the first kind of document that has any, each with its path.
    """
    folder = config / FOLDER
    calendars = load_calendars(config)
    if calendar not in calendars:
        problem = f"{show(calendar)} is no calendar; {allowed(calendars, instead_of=calendar)}"
        raise_if_any([Fault("LEADMILL_NURTURE_CALENDAR", problem)], about="calendars")
    contents = read_documents(folder / "contents", kind="content", shape=ContentDocument)
    content_set = ContentSet(loaded.body for loaded in contents.values())
    sequences = read_documents(folder / "sequences", kind="sequence", shape=SequenceDocument)
    sequence_set = SequenceSet((loaded.body for loaded in sequences.values()), contents=content_set.names)
    scanners = load_document(
        (folder / "scanners.yaml").read_text("utf-8"),
        kind="scanners",
        shape=ScannerDocument,
        about="scanners.yaml",
    )
    return Rulebook(Rules(sequence_set, content_set, calendars[calendar]), Scanners(scanners.body))
