"""What may change within a version of an event, and what may not.

Topics are kept for good and services are replaced one after the other, so readers and writers of two
states of one version always meet. Allowed are a new optional field, a new value of a choice, and
other words in a description. Everything else needs a new version with an ``upcast`` from the old.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

_WORDS: Final = frozenset({"$schema", "$id", "$defs", "$comment", "title", "description", "examples"})
_COMPARED_BELOW: Final = frozenset(
    {"properties", "required", "enum", "anyOf", "items", "prefixItems", "additionalProperties"}
)


class _Side:
    """One of the two schemas; follows references within it."""

    def __init__(self, root: Schema) -> None:
        self._definitions: dict[str, Schema] = root.get("$defs", {})

    def resolve(self, node: Any) -> Any:
        """Return what a reference stands for, with the words beside it laid over."""
        if not isinstance(node, dict) or "$ref" not in node:
            return node
        target = self._definitions[node["$ref"].removeprefix("#/$defs/")]
        return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Name every change from ``old`` to ``new`` that a reader or writer of ``old`` would not survive.

    Both are complete in themselves, as :func:`shared.contracts.json_schema.schema_of` makes them.
    """
    return list(_compare("$", old, new, _Side(old), _Side(new)))


def _compare(path: str, old: Any, new: Any, before: _Side, after: _Side) -> Iterator[str]:
    old, new = before.resolve(old), after.resolve(new)
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield f"{path}: changed type"
        return
    for key in sorted((old.keys() | new.keys()) - _WORDS - _COMPARED_BELOW):
        if old.get(key) != new.get(key) or (key in old) != (key in new):
            yield f"{path}: changed {key} from {_shown(old, key)} to {_shown(new, key)}"
    yield from _compare_choices(path, old, new)
    yield from _compare_fields(path, old, new, before, after)
    yield from _compare_alternatives(path, old, new, before, after)
    for key in ("items", "additionalProperties"):
        if key in old and key in new:
            yield from _compare(f"{path}[]", old[key], new[key], before, after)
        elif key in old or key in new:
            yield f"{path}: changed type"
    yield from _compare_places(path, old, new, before, after)


def _shown(node: Schema, key: str) -> str:
    return json.dumps(node[key]) if key in node else "nothing"


def _compare_choices(path: str, old: Schema, new: Schema) -> Iterator[str]:
    if ("enum" in old) != ("enum" in new):
        yield f"{path}: changed type"
    for value in old.get("enum", []):
        if "enum" in new and value not in new["enum"]:
            yield f"{path}: narrowed enum, {json.dumps(value)} is gone"


def _compare_fields(path: str, old: Schema, new: Schema, before: _Side, after: _Side) -> Iterator[str]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    old_required, new_required = set(old.get("required", [])), set(new.get("required", []))
    for name, field in old_fields.items():
        here = f"{path}.{name}"
        if name not in new_fields:
            yield f"{here}: removed field"
            continue
        yield from _compare(here, field, new_fields[name], before, after)
        if name in new_required - old_required:
            yield f"{here}: optional field became required"
        if name in old_required - new_required:
            yield f"{here}: required field became optional"
    for name in new_fields.keys() - old_fields.keys():
        if name in new_required:
            yield f"{path}.{name}: new required field"


def _compare_alternatives(path: str, old: Schema, new: Schema, before: _Side, after: _Side) -> Iterator[str]:
    if "anyOf" not in old and "anyOf" not in new:
        return
    old_kinds = {_kind(before.resolve(node)): node for node in old.get("anyOf", [])}
    new_kinds = {_kind(after.resolve(node)): node for node in new.get("anyOf", [])}
    if old_kinds.keys() != new_kinds.keys():
        yield f"{path}: changed type"
        return
    for kind, node in old_kinds.items():
        yield from _compare(path, node, new_kinds[kind], before, after)


def _kind(node: Schema) -> str:
    return f"{node.get('type', '')}/{node.get('title', '')}" if "enum" not in node else "enum"


def _compare_places(path: str, old: Schema, new: Schema, before: _Side, after: _Side) -> Iterator[str]:
    old_places, new_places = old.get("prefixItems", []), new.get("prefixItems", [])
    if len(old_places) != len(new_places):
        yield f"{path}: changed type"
        return
    for place, (was, becomes) in enumerate(zip(old_places, new_places, strict=True)):
        yield from _compare(f"{path}[{place}]", was, becomes, before, after)
