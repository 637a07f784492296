"""JSON Schema of the declared events, made from the structs and their docstrings."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import cleandoc
from typing import Any, Final

import msgspec

from shared.contracts.declarations import Declaration

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def _with_clean_descriptions(node: Any) -> Any:
    """Take the indentation of docstrings out, wherever a schema quotes one."""
    if isinstance(node, list):
        return [_with_clean_descriptions(item) for item in node]
    if not isinstance(node, dict):
        return node
    cleaned = {key: _with_clean_descriptions(value) for key, value in node.items()}
    if isinstance(cleaned.get("description"), str):
        cleaned["description"] = cleandoc(cleaned["description"])
    return cleaned


def components_of(structs: Sequence[type], *, ref_template: str) -> dict[str, Schema]:
    """Return the schemas of these structs and of all they contain, by struct name."""
    _, components = msgspec.json.schema_components(structs, ref_template=ref_template)
    cleaned: dict[str, Schema] = _with_clean_descriptions(components)
    return cleaned


def schema_of(declaration: Declaration) -> Schema:
    """Return the schema of an event's ``data``, complete in itself."""
    definitions = components_of([declaration.struct], ref_template="#/$defs/{name}")
    schema: Schema = {
        "$schema": DIALECT,
        "$id": declaration.type,
        **definitions.pop(declaration.struct.__name__),
    }
    if definitions:
        schema["$defs"] = definitions
    return schema
