"""Routing's business documents (``config/routing``, ``config/calendars``): read, checked whole, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from services.routing.domain.assignment.rules import AssignmentDocument
from services.routing.domain.people import PeopleDocument
from services.routing.domain.pipeline.document import PipelineDocument
from services.routing.domain.public_pool import PoolDocument
from services.routing.domain.reach import ReachDocument
from services.routing.domain.rulebook import Documents, Rulebook, compile_rulebook
from services.routing.domain.sla.policies import SlaDocument
from shared.documents.calendars import load_calendars
from shared.documents.faults import DocumentFaults, Fault, raise_if_any
from shared.documents.versions import D, load_document
from shared.working_time.calendar import Calendar

_ABOUT = "documents of routing"


def read_rulebook(config: Path) -> Rulebook:
    """Read every document below ``config`` that routing decides by.

    :raises DocumentFaults: with every fault of every document, each led by its file's name.
    """
    folder = config / "routing"
    faults: list[Fault] = []
    people = _read(folder, "people", PeopleDocument, faults)
    reach = _read(folder, "reach", ReachDocument, faults)
    assignment = _read(folder, "assignment", AssignmentDocument, faults)
    sla = _read(folder, "sla", SlaDocument, faults)
    pool = _read(folder, "public_pool", PoolDocument, faults)
    pipeline = _read(folder, "pipeline", PipelineDocument, faults)
    calendars = _read_calendars(config, faults)
    if people and reach and assignment and sla and pool and pipeline:
        documents = Documents(
            people=people, reach=reach, assignment=assignment, sla=sla, pool=pool, pipeline=pipeline
        )
        rulebook, found = compile_rulebook(documents, calendars)
        faults += found
        if rulebook is not None and not faults:
            return rulebook
    raise_if_any(faults, about=_ABOUT)
    raise AssertionError("unreachable: without a fault there is a rulebook")


def _read_calendars(config: Path, faults: list[Fault]) -> Mapping[str, Calendar]:
    try:
        return load_calendars(config)
    except DocumentFaults as error:
        faults += error.faults
        return {}


def _read(folder: Path, kind: str, shape: type[D], faults: list[Fault]) -> D | None:
    path = folder / f"{kind}.yaml"
    try:
        return load_document(path.read_text("utf-8"), kind=kind, shape=shape, about=path.name).body
    except (OSError, UnicodeDecodeError):
        faults.append(Fault(path.name, "is missing or not UTF-8"))
    except DocumentFaults as error:
        faults += [Fault(f"{path.name}: {fault.path}", fault.text) for fault in error.faults]
    return None
