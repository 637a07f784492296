"""Why a lead has its points, in words: a score, and each of its lines."""

from __future__ import annotations

from collections.abc import Iterator

from services.scoring.api.wording import rules
from services.scoring.api.wording.texts import NONE, Words, in_brackets, joined, moment, named, points
from services.scoring.domain.ledger import Line
from services.scoring.domain.questions import Explanation
from services.scoring.domain.scoring_models.compiled import CompiledModel, Group
from shared.kernel.instants import Instant


def label_of(model: CompiledModel, rule: str) -> Words:
    """Return what a rule is called; one of a combination's source with the source before it."""
    source, rest = _source_of(model, rule)
    if source is not None:
        label = label_of(source, rest)
        return Words(f"{source.name}: {label.en}", f"{source.name}：{label.zh}")
    return named(model.origin.rules if model.origin else {}, rule)


def tier_of(model: CompiledModel, tier: str) -> Words:
    """Return what a tier is called."""
    return named(model.origin.tiers if model.origin else {}, tier)


def group_of(model: CompiledModel, group: str) -> Words:
    """Return what a group is called."""
    return named(model.origin.groups if model.origin else {}, group)


def line_words(model: CompiledModel, line: Line, *, at: Instant) -> Words:
    """Return a line as a sentence: what for, how many points, since when, and by which rule and law."""
    label = label_of(model, line.rule)
    since = moment(line.granted)
    details = joined(_details(model, line, at))
    more = in_brackets(details)
    sign = points(line.points, signed=True)
    return Words(
        f"{label.en}: {sign}, since {since}{more.en}", f"{label.zh}：{sign} 分，自 {since} 起{more.zh}"
    )


def score_words(answer: Explanation, model: CompiledModel) -> Words:
    """Return a score in a sentence: points, tier, what they are made of, which caps and floors hold."""
    score = answer.score
    if score.left_out is not None:
        whom = named({"": score.left_out}, "")
        return Words(f"{model.name} scores only: {whom.en}", f"{model.name} 只对以下线索评分：{whom.zh}")
    tier = tier_of(model, score.tier)
    who, what = points(score.points - score.behaviour), points(score.behaviour)
    parts = [
        Words(f"{who} for who they are, {what} for what they do", f"属性 {who} 分，行为 {what} 分"),
        *_bounds(model, answer),
    ]
    since = "" if score.tier_since is None else moment(score.tier_since)
    held = Words(f" since {since}", f"（自 {since} 起）") if since else NONE
    made_of = joined(parts)
    return Words(
        f"{points(score.points)} points, tier {tier.en}{held.en}: {made_of.en}",
        f"{points(score.points)} 分，等级 {tier.zh}{held.zh}：{made_of.zh}",
    )


def _details(model: CompiledModel, line: Line, at: Instant) -> Iterator[Words]:
    source, rest = _source_of(model, line.rule)
    if source is not None:
        weight = next(points(one.weight) for one in model.sources if one.model is source)
        yield Words(
            f"{weight} times what it is worth in {source.name}",
            f"按其在 {source.name} 中分值的 {weight} 倍计",
        )
        inner = line._replace(rule=rest, group=line.group.removeprefix(f"{source.name}."))
        yield from _of_rule(source, inner)
        return
    yield from _of_rule(model, line)
    worth = line.granted_points
    if line.cooling is not None:
        worth = line.cooling.left(worth, at - line.granted)
        if worth != line.granted_points:
            fresh, now = points(line.granted_points, signed=True), points(worth, signed=True)
            yield Words(f"{fresh} when new, cooled to {now}", f"初始 {fresh} 分，已冷却至 {now} 分")
    if worth != line.points:
        yield from _cut(model, line, worth)


def _of_rule(model: CompiledModel, line: Line) -> Iterator[Words]:
    rule = next((rule for rule in model.rules if rule.name == line.rule), None)
    if line.span is not None:
        begin, end = map(moment, line.span)
        yield Words(
            f"{line.object}: counts from {begin} until {end}", f"{line.object}：自 {begin} 起至 {end} 止有效"
        )
    elif line.object:
        yield Words(line.object, line.object)
    if rule is not None and line.span is None:
        yield rules.counting(rule)
    if line.cooling is not None:
        yield rules.cooling(line.cooling)


def _cut(model: CompiledModel, line: Line, worth: int) -> Iterator[Words]:
    """Say which cap or floor leaves less of a line than it is worth."""
    group = next(group for group in model.groups if group.name == line.group)
    rule = next(rule for rule in model.rules if rule.name == line.rule)
    was = points(worth, signed=True)
    if rule.cap is not None:
        cap = points(rule.cap)
        yield Words(
            f"less than {was}, for the rule brings {cap} at most", f"不足 {was} 分：该规则最多计 {cap} 分"
        )
    bound = group.cap if worth > 0 else group.floor
    if bound is not None:
        yield from _bound_words(model, group, worth, bound, was)


def _bound_words(model: CompiledModel, group: Group, worth: int, bound: int, was: str) -> Iterator[Words]:
    label, limit = group_of(model, group.name), points(abs(bound))
    if worth > 0:
        yield Words(
            f"less than {was}, for {label.en} brings {limit} at most",
            f"不足 {was} 分：“{label.zh}”最多计 {limit} 分",
        )
    else:
        yield Words(
            f"less than {was}, for {label.en} takes away {limit} at most",
            f"少于 {was} 分：“{label.zh}”最多扣 {limit} 分",
        )


def _bounds(model: CompiledModel, answer: Explanation) -> Iterator[Words]:
    """Say which groups have reached their cap or floor."""
    for group in model.groups:
        worth = sum(line.points for line in answer.lines if line.group == group.name)
        label = group_of(model, group.name)
        if group.cap is not None and worth == group.cap:
            cap = points(group.cap)
            yield Words(f"{label.en} is at its cap of {cap}", f"“{label.zh}”已达上限 {cap} 分")
        elif group.floor is not None and worth == group.floor:
            floor = points(group.floor)
            yield Words(f"{label.en} is at its floor of {floor}", f"“{label.zh}”已达下限 {floor} 分")


def _source_of(model: CompiledModel, name: str) -> tuple[CompiledModel | None, str]:
    head, _, rest = name.partition(".")
    found = next((source.model for source in model.sources if source.model.name == head), None)
    return (found, rest) if found is not None else (None, name)
