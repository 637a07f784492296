"""The JSON Schema by which an editor completes and checks a model's document while it is typed."""

from __future__ import annotations

from typing import Any

import msgspec

from services.scoring.domain.scoring_models.document import ScoringModelDocument


def editor_schema() -> dict[str, Any]:
    """Return the schema of a scoring model's document.

    It knows shape, names and bounds. What several values must be together, and whether a rule can ever
    match, only the compiler knows; `leadmill config check` and every draft ask it.
    """
    return schema_for_editors(ScoringModelDocument, "A scoring model of Leadmill")


def schema_for_editors(shape: type, title: str) -> dict[str, Any]:
    """Return the schema of a document of this shape."""
    schema = msgspec.json.schema(shape, schema_hook=_anything)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def _anything(kind: type) -> dict[str, Any]:
    """Conditions are mappings here; their own language checks what stands in them."""
    if kind is not object:
        raise NotImplementedError  # how a hook tells msgspec that it does not know a kind; it then names it
    return {"description": "Checked by the language of conditions"}
