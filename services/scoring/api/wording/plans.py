"""What it would take, in words."""

from __future__ import annotations

from itertools import groupby

from services.scoring.api.wording import things
from services.scoring.api.wording.lines import group_of, label_of, tier_of
from services.scoring.api.wording.texts import (
    NONE,
    Words,
    in_brackets,
    joined,
    moment,
    named,
    points,
)
from services.scoring.domain.facts import ATTRIBUTES
from services.scoring.domain.plans.obstacles import Obstacle
from services.scoring.domain.plans.outlook import Outlook
from services.scoring.domain.plans.plan import Plan, Step
from services.scoring.domain.scoring_models.compiled import CompiledModel
from shared.kernel.instants import Instant

_READY = Words("ready for sales", "可交给销售")


def goal_words(outlook: Outlook) -> Words:
    """Return what is to be reached."""
    rank = outlook.goal.rank
    return _READY if rank is None else tier_of(outlook.model, outlook.model.tiers[rank].name)


def outlook_words(outlook: Outlook) -> Words:
    """Return the whole answer in a sentence."""
    model, goal = outlook.model, goal_words(outlook)
    if outlook.is_reached:
        until = _until(outlook.until)
        return Words(
            f"{goal.en} in {model.name} is reached{until.en}", f"{model.name} 的“{goal.zh}”已达到{until.zh}"
        )
    if outlook.plans:
        count = len(outlook.plans)
        ways = Words(
            f"{count} {'way' if count == 1 else 'ways'} to reach {goal.en}",
            f"达到“{goal.zh}”有 {count} 种办法",
        )
        first = plan_words(model, outlook.plans[0])
        found = Words(f"{ways.en}; the first: {first.en}", f"{ways.zh}；首选：{first.zh}")
    else:
        why = joined(obstacle_words(obstacle) for obstacle in outlook.obstacles)
        none = Words(f"nothing was found that would reach {goal.en}", f"未找到能达到“{goal.zh}”的办法")
        found = Words(
            none.en + (f": {why.en}" if why.en else ""), none.zh + (f"：{why.zh}" if why.zh else "")
        )
    if outlook.by_itself is None:
        return found
    when = moment(outlook.by_itself)
    return joined([found, Words(f"time alone reaches it at {when}", f"无需任何动作，{when} 将自动达到")])


def plan_words(model: CompiledModel, plan: Plan) -> Words:
    """Return a plan in a sentence; the same step several times is told once."""
    said = []
    for _, alike in groupby(
        plan.steps, key=lambda step: (step.move.name, sorted(map(str, step.move.fields.items())))
    ):
        some = list(alike)
        words = _step(model, some[-1], gained=sum(step.points for step in some))
        if len(some) > 1:
            words = Words(f"{len(some)} times {words.en}", f"{words.zh}，共 {len(some)} 次")
        said.append(words)
    steps = joined(said, en=", and ", zh="，并")
    tier, until = tier_of(model, plan.tier), _until(plan.until)
    ready = in_brackets(_READY) if plan.is_activated else NONE
    total = points(plan.points)
    return Words(
        f"{steps.en}: then {total} points, {tier.en}{ready.en}{until.en}",
        f"{steps.zh}：届时 {total} 分，{tier.zh}{ready.zh}{until.zh}",
    )


def step_words(model: CompiledModel, step: Step) -> Words:
    """Return one step in a sentence."""
    return _step(model, step, gained=step.points)


def obstacle_words(obstacle: Obstacle) -> Words:
    """Return what stands in the way."""
    model, name = obstacle.of, obstacle.name
    has, needs = points(obstacle.has), points(obstacle.needs)
    match obstacle.code:
        case "erased":
            return Words(
                "the person asked to be forgotten; nothing is learnt of them any more",
                "该客户已要求删除，不再记录任何新信息",
            )
        case "invalid":
            return Words(
                "the lead is marked as invalid, so nothing it does counts",
                "该线索已标记为无效，其行为均不计分",
            )
        case "too_many_steps":
            return Words(
                f"more than {obstacle.needs} steps are not looked at",
                f"超过 {obstacle.needs} 步的方案不再查找",
            )
        case "gate_unmet":
            return Words(
                f"{obstacle.has} high-value acts count, and the gate asks for {obstacle.needs}",
                f"已计 {obstacle.has} 个高价值行为，门槛要求 {obstacle.needs} 个",
            )
        case "not_enough":
            return Words(
                f"all that was tried together brings {has} points, and {needs} are needed",
                f"所有尝试合计 {has} 分，需要 {needs} 分",
            )
        case "left_out":
            label = model.audience.label if model is not None and model.audience is not None else {}
            whom = named({"": label}, "")
            return Words(f"the model scores only: {whom.en}", f"该模型只对以下线索评分：{whom.zh}")
        case "cap_reached":
            what = _called(model, name)
            return Words(f"{what.en} is at its cap of {needs}", f"“{what.zh}”已达上限 {needs} 分")
        case "taken_away":
            what = _called(model, name)
            return Words(f"{what.en} takes {has}", f"“{what.zh}”计 {has} 分")


def _called(model: CompiledModel | None, name: str) -> Words:
    if model is None:
        return Words(name, name)
    if any(group.name == name for group in model.groups):
        return group_of(model, name)
    return label_of(model, name)


def _step(model: CompiledModel, step: Step, *, gained: int) -> Words:
    said = [_field(step, name) for name in step.move.fields]
    if step.move.object_field is not None and _tells_objects_apart(model, step):
        done_to = things.field(step.move.object_field)
        said.append(Words(f"another {done_to.en}", f"另一个{done_to.zh}"))
    fields = joined(said, en=", ", zh="，")
    for_what = joined((label_of(model, rule) for rule in step.rules), en=", ", zh="、")
    worth = f"{points(gained, signed=True)}"
    credit = in_brackets(joined([for_what, Words(worth, f"{worth} 分")], en=": ", zh="："))
    if step.fact.name == ATTRIBUTES:
        return Words(f"it becomes known: {fields.en}{credit.en}", f"得知{fields.zh}{credit.zh}")
    act, with_fields = things.act(step.fact.name), in_brackets(fields)
    return Words(f"{act.en}{with_fields.en}{credit.en}", f"{act.zh}{with_fields.zh}{credit.zh}")


def _tells_objects_apart(model: CompiledModel, step: Step) -> bool:
    """Return whether it matters to a rule that the act is done to something else than before."""
    some = (rule for rule in model.rules if rule.name in step.rules)
    return any(
        getattr(rule, "counts", "") == "once_per_object"
        or getattr(rule, "counting", "") == "objects"
        or getattr(rule, "per_object", False)
        for rule in some
    )


def _field(step: Step, name: str) -> Words:
    called = things.field(name)
    values = [step.move.fields[name]]
    if len(step.move.fields) == 1:
        values += [other[name] for other in step.others if name in other]
    choices = joined(map(things.value, values), en=" or ", zh=" 或 ")
    if name in step.replaces:
        before = things.value(step.replaces[name])
        return Words(
            f"{called.en} {choices.en}, not {before.en}", f"{called.zh}为 {choices.zh}（现为 {before.zh}）"
        )
    return Words(f"{called.en} {choices.en}", f"{called.zh}为 {choices.zh}")


def _until(until: Instant | None) -> Words:
    if until is None:
        return Words(", for good if nothing else happens", "，若无变化则长期保持")
    when = moment(until)
    return Words(f", until {when} if nothing else happens", f"，若无新动作，保持至 {when}")
