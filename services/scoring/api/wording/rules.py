"""What a rule asks for, in words: how often it counts, within what time, how far apart."""

from __future__ import annotations

from services.scoring.api.wording.texts import NONE, Words, joined, points, span
from services.scoring.domain.decay import CompoundSteps, HalfLife, Law, LinearSteps
from services.scoring.domain.rules.act import ActRule
from services.scoring.domain.rules.attribute import AttributeRule
from services.scoring.domain.rules.date import DateRule
from services.scoring.domain.rules.rule import Rule
from services.scoring.domain.rules.times import TimesRule
from services.scoring.domain.rules.window import WindowRule
from shared.kernel.instants import DAY

_COUNTS = {
    "once": Words("counts once, for the newest", "只计一次，以最近一次为准"),
    "once_per_object": Words("counts once for each", "每个对象计一次"),
    "every_time": Words("counts every time", "每次都计"),
}


def counting(rule: Rule) -> Words:
    """Return when a rule gives its points."""
    match rule:
        case AttributeRule():
            return Words("for as long as it is so", "符合条件期间有效")
        case DateRule():
            return Words(f"within {rule.months} months before the day", f"该日期前 {rule.months} 个月内有效")
        case ActRule():
            parts = [
                _COUNTS[rule.counts],
                _gap(rule.gap, per_object=rule.gap_per == "object"),
                _cap(rule.cap),
            ]
            return joined(parts, en=", ", zh="，")
        case WindowRule():
            within = span(rule.window)
            often = _how_often(rule.at_least, rule.at_most)
            what = Words(f"{often.en} within {within.en}", f"{within.zh}内{often.zh}")
            return joined([what, _different(rule.counting == "objects"), _gap(rule.gap)], en=", ", zh="，")
        case TimesRule():
            what = _how_often(rule.at_least, None)
            return joined([what, _different(rule.per_object)], en=", ", zh="，")
        case _:
            return NONE


def cooling(law: Law) -> Words:
    """Return the law by which points cool."""
    full = span(law.full) if law.full else None
    en = f"in full for {full.en}, then" if full else "from the first moment"
    zh = f"前 {full.zh}全额计入，之后" if full else "自产生起"
    match law:
        case HalfLife():
            days = law.half_life // DAY
            return Words(f"{en} halves every {days} days", f"{zh}每 {days} 天减半")
        case LinearSteps():
            return _steps(law, Words(en, zh), Words("what was granted", "初始分值"))
        case CompoundSteps():
            return _steps(law, Words(en, zh), Words("what is left", "剩余分值"))


def _steps(law: LinearSteps | CompoundSteps, first: Words, of: Words) -> Words:
    days = law.every // DAY
    return Words(
        f"{first.en} loses {law.percent} % of {of.en} every {days} days",
        f"{first.zh}每 {days} 天减少{of.zh}的 {law.percent}%",
    )


def _how_often(least: int, most: int | None) -> Words:
    if most is None:
        return Words(f"at least {least} times", f"至少 {least} 次")
    if least == most == 1:
        return Words("exactly once", "恰好一次")
    if least == most:
        return Words(f"exactly {least} times", f"恰好 {least} 次")
    return Words(f"{least} to {most} times", f"{least} 至 {most} 次")


def _different(is_so: bool) -> Words:  # noqa: FBT001 - a sentence that is said or not
    return Words("each a different one", "对象各不相同") if is_so else NONE


def _gap(gap: int, *, per_object: bool = False) -> Words:
    if not gap:
        return NONE
    apart = span(gap)
    of = Words(" on the same one", "同一对象") if per_object else NONE
    return Words(
        f"two{of.en} that count are at least {apart.en} apart", f"{of.zh}两次计分至少间隔 {apart.zh}"
    )


def _cap(cap: int | None) -> Words:
    return NONE if cap is None else Words(f"{points(cap)} points at most", f"最多 {points(cap)} 分")
