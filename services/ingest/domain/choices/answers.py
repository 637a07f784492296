"""Yes and no, in the ways in which people say them."""

from __future__ import annotations

from typing import Final

from services.ingest.domain.choices.folding import fold_spelling, key_of
from services.ingest.domain.identifiers import clean_text

_TRUE: Final = frozenset(
    {
        *("yes", "true", "1", "1.0", "y", "on", "checked", "yep", "yeah", "ok", "t"),
        *("是", "是的", "有", "有的", "对", "对的", "需要", "要", "好", "好的", "可以", "同意", "真"),
    }
)
_FALSE: Final = frozenset(
    {
        *("no", "false", "0", "0.0", "n", "off", "unchecked", "nope", "f"),
        *("否", "没有", "无", "不", "不是", "不需要", "不要", "没", "无需", "暂无", "不用", "不同意", "假"),
    }
)


def read_yes_no(value: object) -> bool | None:
    """Return True or False for the usual ways of saying so, else None."""
    if isinstance(value, bool):
        return value
    text = clean_text(value)
    if text is None or len(text) > 20:
        return None
    key = key_of(fold_spelling(text))
    return True if key in _TRUE else False if key in _FALSE else {"√": True, "✓": True, "×": False}.get(text)
