"""Reads the calendars of a configuration folder, which belong to no service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.documents.faults import DocumentFaults, Fault, raise_if_any
from shared.documents.files import read_documents
from shared.working_time.calendar import Calendar
from shared.working_time.compiler import CalendarFaults, compile_calendar
from shared.working_time.document import CalendarDocument

FOLDER: Final = "calendars"
"""Where calendars lie in a configuration folder."""


def load_calendars(config: Path) -> Mapping[str, Calendar]:
    """Read, check and compile ``config/calendars``; of several versions of a calendar the newest counts.

    :raises DocumentFaults: with every fault of every calendar, each path led by ``calendars/``.
    """
    found: dict[str, Calendar] = {}
    faults: list[Fault] = []
    try:
        documents = read_documents(config / FOLDER, kind="calendar", shape=CalendarDocument)
    except DocumentFaults as error:
        raise_if_any([Fault(f"{FOLDER}/{path}", text) for path, text in error.faults], about="calendars")
        raise
    for key in sorted(documents):
        try:
            found[key.name] = compile_calendar(documents[key].body)
        except CalendarFaults as error:
            place = f"{FOLDER}/{key.name}, version {key.version}"
            faults += [Fault(f"{place}: {path}", text) for path, text in error.faults]
    raise_if_any(faults, about="calendars")
    return found
