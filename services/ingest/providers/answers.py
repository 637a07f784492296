"""Answers to the questions of a form that its owner made, as platforms pass them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.ingest.domain.identifiers import clean_text

_read_any: Final = msgspec.json.Decoder().decode


def read_answers(value: object) -> dict[str, object]:
    """Return answers to a form's own questions, by question.

    They come as an object, as a list of objects that name question and answer in one of several ways,
    or as the JSON text of either. What is none of these is no answer.
    """
    if isinstance(value, str):
        try:
            value = _read_any(value)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return {}
    if isinstance(value, dict):
        return {str(name): _flat(answer) for name, answer in value.items() if answer not in (None, "")}
    answers: dict[str, object] = {}
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            name = _first(item, "name", "label", "title", "question", "key")
            answer = _flat(_first(item, "value", "answer", "content"))
            if (text := clean_text(name)) is not None and answer not in (None, ""):
                answers.setdefault(text, answer)
    return answers


def _first(item: Mapping[str, Any], *names: str) -> object:
    return next((item[name] for name in names if item.get(name) not in (None, "")), None)


def _flat(answer: object) -> object:
    if isinstance(answer, list):
        return ", ".join(filter(None, map(clean_text, answer)))
    return answer


def read_list(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, or of the JSON text of one."""
    if isinstance(value, str):
        try:
            value = _read_any(value)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
