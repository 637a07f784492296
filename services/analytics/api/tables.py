"""Reports as tables: JSON for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query, Request
from fastapi.responses import JSONResponse, Response

Form = Literal["json", "csv"]

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def _wanted_form(
    request: Request,
    form: Annotated[
        Form | None, Query(alias="format", description="csv or json; without it, what Accept prefers")
    ] = None,
) -> Form:
    if form is not None:
        return form
    accepted = request.headers.get("accept", "")
    return "csv" if "text/csv" in accepted and "json" not in accepted else "json"


WantedForm = Annotated[Form, Depends(_wanted_form)]
"""In which form a report is wanted."""


def answer(form: Form, body: Mapping[str, Any], *, rows: Sequence[Mapping[str, Any]], name: str) -> Response:
    """Return a report: ``body`` as JSON, or its ``rows`` as CSV under a file name."""
    if form == "json":
        return JSONResponse(body)
    return Response(
        write_csv(rows),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.csv"'},
    )


def write_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows under a header; an apostrophe leads a text that a spreadsheet would take for a formula."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS) and not _is_number(value):
        return f"'{value}"
    return "" if value is None else value


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()
