"""Text to plain data: the part of YAML that means the same to everybody.

Only null, true, false, whole and decimal numbers, texts, lists and mappings with text keys. So
``no``, ``on`` and ``12:30`` stay texts, and a day stays the text it is. Duplicate keys, anchors and
tags are refused: the first loses data silently, the others hide size and code.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from shared.documents.faults import DocumentFaults, Fault

LONGEST = 1_000_000
"""Characters of the longest document that is read."""

_DEEPEST = 50


class _FastLoader(yaml.CSafeLoader):
    """The parser in C, ten times as fast, with the resolvers of YAML 1.2's core schema only."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own class attribute


class _ExactLoader(yaml.SafeLoader):
    """The same in Python, which knows better where a fault is."""

    yaml_implicit_resolvers = _FastLoader.yaml_implicit_resolvers


for _name, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("int", r"^-?(?:0|[1-9][0-9]{0,17})$", list("-0123456789")),
    ("float", r"^-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}$", list("-0123456789")),
):
    _FastLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), _first)


def parse_yaml(text: str, *, about: str) -> object:
    """Turn the text of one document into plain data; ``about`` names it in faults.

    :raises DocumentFaults: if it is no YAML, or uses what is refused (see the module).
    """
    if len(text) > LONGEST:
        raise DocumentFaults([Fault("", f"longer than {LONGEST} characters; split it")], about=about)
    faults: list[Fault] = []
    try:
        try:
            node = _compose(text, faults, _FastLoader)
        except yaml.YAMLError:
            node = _compose(text, faults, _ExactLoader)
        data = _plain(node, "", faults) if node is not None and not faults else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise DocumentFaults([Fault(where, error.problem or "is no YAML")], about=about) from error
    except yaml.YAMLError as error:
        raise DocumentFaults(
            [Fault("", "contains characters that YAML does not allow")], about=about
        ) from error
    if faults:
        raise DocumentFaults(faults, about=about)
    return data


def _compose(text: str, faults: list[Fault], loader: type[_FastLoader | _ExactLoader]) -> yaml.Node | None:
    """Build the tree of nodes, unless the text has anchors, tags or more than one document."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            faults.append(Fault(line, "anchors and aliases are not allowed; write the value out"))
        elif getattr(event, "tag", None):
            faults.append(Fault(line, "tags are not allowed; write a plain value"))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                faults.append(Fault(line, f"nests deeper than {_DEEPEST}"))
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None if faults else yaml.compose(text, Loader=loader)


def _plain(node: yaml.Node, path: str, faults: list[Fault]) -> object:
    if isinstance(node, yaml.SequenceNode):
        return [_plain(part, f"{path}[{i}]", faults) for i, part in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            below = f"{path}.{key}" if path else key
            if not isinstance(key_node, yaml.ScalarNode):
                faults.append(Fault(below, f"{_line(key_node.start_mark)}: a key is a plain text"))
            elif key in mapping:
                faults.append(Fault(below, f"{_line(key_node.start_mark)}: stands here twice"))
            mapping[key] = _plain(value_node, below, faults)
        return mapping
    return _scalar(node)


def _line(mark: Any) -> str:
    return f"line {mark.line + 1}" if mark else "somewhere"


def _scalar(node: yaml.Node) -> object:
    text = str(node.value)
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
    return text
