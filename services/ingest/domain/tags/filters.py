"""Filters that combine freely: tags, attributes, sources, channels and days, with all, any and not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.ingest.domain.tags.definitions import Catalogue
from shared.conditions.attributes import STANDARD_ATTRIBUTES
from shared.conditions.catalogue import Catalogue as Fields
from shared.conditions.catalogue import Day, Flag, Labels, Text
from shared.conditions.compiler import ConditionFaults, compile_condition
from shared.kernel.faults import Fault

TOUCH_FIELDS: Final = ("channel", "campaign", "source", "medium", "term", "content", "entrance", "click_id")
"""What can be asked of the first and the last touch, as ``first_channel`` and ``last_channel``."""

FILTER_FIELDS: Final[Fields] = {
    **STANDARD_ATTRIBUTES,
    "tags": Labels(),
    "sources": Labels(),
    **{f"{which}_{field}": Text() for which in ("first", "last") for field in TOUCH_FIELDS},
    "first_touch_on": Day(),
    "last_touch_on": Day(),
    "created_on": Day(),
    "owner": Text(),
    "reachable": Flag(),
}
"""What a filter may ask; days are those of UTC."""

_JOINTS: Final = ("all", "any", "not")


def check_filter(where: object) -> None:
    """Check a filter. :raises ConditionFaults: with every fault and its path."""
    compile_condition(where, catalogue=FILTER_FIELDS, path="where")
    if b"\\u0000" in msgspec.json.encode(where):
        raise ConditionFaults([Fault("where", "holds the character zero, which no value has")])


def widen_tags(where: Any, catalogue: Catalogue) -> Any:
    """Return the filter with every tag as it is called now, so that merged tags are found as one.

    A tag that was merged, and has not been looked at since, still stands under its old id on some
    leads; so a tag is asked for by all ids that stand for it.
    """
    if not isinstance(where, Mapping):
        return where
    for joint in _JOINTS:
        if joint in where:
            parts = where[joint]
            if joint == "not":
                return {joint: widen_tags(parts, catalogue)}
            return {joint: [widen_tags(part, catalogue) for part in parts]}
    if where.get("field") != "tags" or "value" not in where:
        return where
    names = [_now(catalogue, tag) for tag in where["value"]]
    operator = where["operator"]
    if operator == "includes_all":
        return {"all": [_any_of(catalogue, name) for name in names]}
    every = [one for name in names for one in catalogue.standing_for(name)]
    return {"field": "tags", "operator": operator, "value": list(dict.fromkeys(every))}


def _now(catalogue: Catalogue, tag: str) -> str:
    found = catalogue.follow(tag)
    return tag if found is None else found.tag


def _any_of(catalogue: Catalogue, tag: str) -> dict[str, Any]:
    return {"field": "tags", "operator": "includes_any", "value": catalogue.standing_for(tag)}
