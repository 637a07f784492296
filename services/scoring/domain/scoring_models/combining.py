"""Combinations: models whose points are weighted scores of other models.

A combination carries the rules of its sources itself, each source's slots in a stretch of its own, so
that it follows from the facts alone, like every model, and owes nothing to what others have stored. Its
score is the sum over its sources of score times weight, each product rounded towards zero to a
thousandth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from services.scoring.domain.rules.context import in_thousandths
from services.scoring.domain.rules.rule import Rule
from services.scoring.domain.scoring_models.compiled import CompiledModel, Source
from shared.kernel.faults import Fault, allowed, show

_MOST_WEIGHT: Final = 100


class SourceDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another model, as ``name@version``, and by how much its score counts."""

    model: str
    weight: Annotated[float, Meta(gt=0, le=_MOST_WEIGHT)]


def key_of(name: str, version: int) -> str:
    """Return how a combination names a model."""
    return f"{name}@{version}"


def compile_sources(
    documents: Sequence[SourceDocument], known: Mapping[str, CompiledModel], faults: list[Fault]
) -> tuple[tuple[Source, ...], list[Rule]]:
    """Return the sources and their rules, in the order of their slots; adds what is wrong to ``faults``.

    ``known`` are the models that may be named, by :func:`key_of`.
    """
    sources: list[Source] = []
    rules: list[Rule] = []
    for place, document in enumerate(documents):
        path = f"combines[{place}]"
        weight = in_thousandths(document.weight)
        if not weight:
            faults.append(Fault(f"{path}.weight", "has three decimals at most"))
        model = known.get(document.model)
        if model is None:
            unknown = f"{show(document.model)} names no model; {allowed(known, instead_of=document.model)}"
            faults.append(Fault(f"{path}.model", unknown))
            continue
        if any(model.name == source.model.name for source in sources):
            faults.append(Fault(f"{path}.model", f"{model.name} is there already; each counts once"))
        sources.append(Source(model, weight or 0, len(rules)))
        rules += [_named_after(model, rule) for rule in model.rules]
    return tuple(sources), rules


def _named_after(model: CompiledModel, rule: Rule) -> Rule:
    """Return a rule under a name that tells it from the rules of other sources."""
    return replace(rule, name=f"{model.name}.{rule.name}")  # type: ignore[type-var]  # all are dataclasses


def in_order_of_need(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Return models so that each stands behind those it names, and the circles by who is in them.

    ``needs`` holds for each model which it names. Whoever is in a circle, or needs somebody who is, is not
    among the first; a circle is told as a path that begins and ends with the same model.
    """
    ordered: list[str] = []
    circles: dict[str, tuple[str, ...]] = {}
    for start in needs:
        _visit(start, needs, ordered, circles, ())
    return ordered, circles


def _visit(
    model: str,
    needs: Mapping[str, Iterable[str]],
    ordered: list[str],
    circles: dict[str, tuple[str, ...]],
    path: tuple[str, ...],
) -> None:
    if model in ordered or model in circles or model not in needs:
        return
    if model in path:
        circle = path[path.index(model) :]
        for place, one in enumerate(circle):
            circles[one] = (*circle[place:], *circle[:place], one)
        return
    for needed in needs[model]:
        _visit(needed, needs, ordered, circles, (*path, model))
    if model not in circles and not any(needed in circles for needed in needs[model]):
        ordered.append(model)
