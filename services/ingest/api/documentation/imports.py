"""What the documentation says of uploads."""

from __future__ import annotations

from typing import Any, Final

from shared.http.hot_routes import ACCESS_TOKEN, WRITE_KEY

_PARAMETERS: Final = (
    ("source", "With a token: the source that the rows belong to", {"type": "string"}),
    (
        "mode",
        "by_age holds rows older than 7 days as history",
        {"type": "string", "enum": ["by_age", "new", "history"]},
    ),
    ("start", "Bring it in as soon as it has been looked through", {"type": "boolean"}),
    (
        "map",
        "What a column is, Heading=field; - leaves it out",
        {"type": "array", "items": {"type": "string"}},
    ),
    ("dates", "What stands first in 02/03/2026", {"type": "string", "enum": ["dmy", "mdy"]}),
    ("decimal", "What decimals begin with", {"type": "string", "enum": ["point", "comma"]}),
    ("currency", "Of amounts that name none", {"type": "string"}),
    ("event", "The event of rows that name none", {"type": "string"}),
    ("encoding", "utf-8, gb18030, utf-16, big5 or cp1252", {"type": "string"}),
    ("delimiter", "What parts columns", {"type": "string"}),
    ("sheet", "The sheet of a workbook", {"type": "string"}),
)
_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


def upload_operation(kind: str) -> dict[str, Any]:
    """Return the operation of bringing one kind of table."""
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
    answer = {
        "type": "object",
        "required": ["id", "kind", "source", "state"],
        "properties": {name: {"type": "string"} for name in ("id", "kind", "source", "state")},
    }
    return {
        "tags": ["ingest"],
        "summary": f"A table of {kind}, as XLSX or CSV; it is looked through, and waits to be started",
        "security": [*WRITE_KEY, *ACCESS_TOKEN],
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, text, schema in _PARAMETERS
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": _BINARY,
                "text/csv": _BINARY,
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _BINARY,
                "multipart/form-data": {"schema": form},
            },
        },
        "responses": {
            "202": {
                "description": "It is kept, and being looked through; Location tells where to ask",
                "content": {"application/json": {"schema": answer}},
            }
        },
    }
