"""Every kind of line says in both languages by which rule, law, cap, floor, gap or day it has its points."""

from __future__ import annotations

from services.scoring.api.schemas import why_out
from services.scoring.api.wording.things import ACTS as NAMED_ACTS
from services.scoring.api.wording.things import FIELDS
from services.scoring.domain.questions import explain_at
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.scoring_models.compiler import compile_models
from services.scoring.domain.scoring_models.document import ScoringModelDocument
from services.scoring.domain.vocabulary import ACTS
from shared.conditions.attributes import STANDARD_ATTRIBUTES
from shared.documents.versions import load_document
from shared.kernel.instants import MINUTE, Instant
from tests.unit.scoring.stories import START, Story, day, model_from, vocabulary

TIERS = "tiers: [{tier: a, at_least: 1, label: {en: Good, zh: 好}}, {tier: b}]"


def model(groups: str, more: str = "") -> CompiledModel:
    """A small model."""
    return model_from(f"{{name: small, version: 1, groups: [{groups}], {TIERS}{more}}}")


def words(story: Story, at: Instant = START) -> dict[str, tuple[str, str]]:
    """What the lines say, by rule; the score itself says what stands under an empty name."""
    told = why_out("lead", explain_at(story.models, story.facts, as_of=at))
    assert told.words is not None
    said = {line.rule: (line.words.en, line.words.zh) for line in told.lines}
    return {**said, "": (told.words.en, told.words.zh)}


def behaviour(rule: str, *, label: str = "{en: Chats, zh: 咨询}", more: str = "") -> CompiledModel:
    """A model of one rule about acts."""
    return model(f"{{group: acts, of: behaviour, label: {label}, {more} rules: [{{rule: r, {rule}}}]}}")


class TestLines:
    def test_a_law_in_steps_is_named_with_what_is_lost(self) -> None:
        rule = "type: act, points: 20, acts: [chat_started], label: {en: Chat, zh: 在线咨询}"
        law = "cooling: {law: %s, full_hours: 24, every_days: 30, percent: 50},"
        for name, en, zh in (
            ("linear_steps", "what was granted", "初始分值"),
            ("compound_steps", "what is left", "剩余分值"),
        ):
            story = Story(behaviour(rule, more=law % name)).did("chat_started")
            assert words(story, day(31))["r"] == (
                (
                    "Chat: +10, since 2026-03-02 09:00 UTC (counts once, for the newest; in full for 1 day,"
                    f" then loses 50 % of {en} every 30 days; +20 when new, cooled to +10)"
                ),
                (
                    "在线咨询：+10 分，自 2026-03-02 09:00 UTC 起（只计一次，以最近一次为准；"
                    f"前 1 天全额计入，之后每 30 天减少{zh}的 50%；初始 +20 分，已冷却至 +10 分）"
                ),
            )

    def test_a_cap_of_a_group_and_of_a_rule_is_named_where_it_cuts(self) -> None:
        rule = "type: act, points: 8, acts: [email_opened], counts: once_per_object, cap: 30"
        story = Story(behaviour(rule, more="cap: 10,")).did("email_opened", message="m1")
        story.did("email_opened", START + 1, message="m2")
        lines = explain_at(story.models, story.facts, as_of=START + 1)[0].lines
        assert [line.points for line in lines] == [8_000, 2_000]
        told = why_out("lead", explain_at(story.models, story.facts, as_of=START + 1))
        assert told.lines[1].words.en == (
            "r: +2, since 2026-03-02 09:00 UTC (m1; counts once for each, 30 points at most;"
            " less than +8, for the rule brings 30 at most; less than +8, for Chats brings 10 at most)"
        )
        assert told.lines[1].words.zh.endswith(
            "不足 +8 分：该规则最多计 30 分；不足 +8 分：“咨询”最多计 10 分）"
        )
        assert told.words is not None
        assert told.words.en.endswith("Chats is at its cap of 10")
        assert told.words.zh.endswith("“咨询”已达上限 10 分")

    def test_a_floor_is_named_where_it_holds(self) -> None:
        groups = (
            "{group: acts, of: behaviour, label: {en: Chats, zh: 咨询}, floor: -10,"
            " rules: [{rule: r, type: act, points: -30, acts: [unsubscribed]}]},"
            " {group: more, of: behaviour, rules: [{rule: s, type: act, points: 5, acts: [chat_started]}]}"
        )
        said = words(Story(model(groups)).did("unsubscribed", message="m"))
        assert said["r"][0].endswith("less than -30, for Chats takes away 10 at most)")
        assert said["r"][1].endswith("少于 -30 分：“咨询”最多扣 10 分）")
        assert said[""][0].endswith("Chats is at its floor of -10")

    def test_a_gap_a_window_and_a_range_are_told(self) -> None:
        gap = "type: act, points: 5, acts: [chat_started], counts: every_time, cap: 20, gap_minutes: 90"
        (said, _) = (words(Story(behaviour(gap)).did("chat_started"))["r"], None)
        assert "counts every time, two that count are at least 90 minutes apart, 20 points at most" in said[0]
        assert "每次都计，两次计分至少间隔 90 分钟，最多 20 分" in said[1]
        window = (
            "type: window, points: 5, acts: [email_opened], counting: objects, at_least: 1, at_most: 2,"
            " within_hours: 48"
        )
        said = words(Story(behaviour(window)).did("email_opened", message="m"))["r"]
        assert "1 to 2 times within 2 days, each a different one" in said[0]
        assert "2 天内1 至 2 次，对象各不相同" in said[1]
        exactly = window.replace("at_least: 1, at_most: 2", "exactly: 1")
        assert (
            "exactly once within 2 days"
            in words(Story(behaviour(exactly)).did("email_opened", message="m"))["r"][0]
        )
        times = "type: times, points: 5, acts: [chat_started], counting: acts, at_least: 2"
        story = Story(behaviour(times)).did("chat_started").did("chat_started", START + MINUTE)
        said = words(story, START + MINUTE)["r"]
        assert ("at least 2 times" in said[0], "至少 2 次" in said[1]) == (True, True)

    def test_a_day_is_told_with_from_when_until_when_it_counts(self) -> None:
        rule = (
            "{rule: soon, type: date, field: go_live_on, within_months: 1, zone: UTC, points: 5,"
            " label: {en: Goes live soon, zh: 即将上线}}"
        )
        story = Story(model(f"{{group: who, of: fit, rules: [{rule}]}}")).is_known_as(go_live_on="2026-03-20")
        assert words(story)["soon"] == (
            (
                "Goes live soon: +5, since 2026-03-02 09:00 UTC (2026-03-20: counts from 2026-02-20 00:00 UTC"
                " until 2026-03-20 00:00 UTC)"
            ),
            (
                "即将上线：+5 分，自 2026-03-02 09:00 UTC 起（2026-03-20：自 2026-02-20 00:00 UTC 起"
                "至 2026-03-20 00:00 UTC 止有效）"
            ),
        )

    def test_a_combination_says_of_which_source_and_by_how_much(self) -> None:
        source = (
            "{name: small, version: 1, groups: [{group: acts, of: behaviour, rules: [{rule: r, type: act,"
            " points: 20, acts: [chat_started], label: {en: Chat, zh: 在线咨询}}]}],"
            " tiers: [{tier: a, at_least: 1}, {tier: b}]}"
        )
        both = (
            "{name: both, version: 1, combines: [{model: small@1, weight: 0.5}],"
            " tiers: [{tier: a, at_least: 1}, {tier: b}]}"
        )
        bodies = [
            load_document(text, kind="scoring_model", shape=ScoringModelDocument).body
            for text in (source, both)
        ]
        combined = next(one for one in compile_models(bodies, vocabulary()) if one.sources)
        assert words(Story(combined).did("chat_started"))["small.r"] == (
            (
                "small: Chat: +10, since 2026-03-02 09:00 UTC (0.5 times what it is worth in small;"
                " counts once, for the newest)"
            ),
            (
                "small：在线咨询：+10 分，自 2026-03-02 09:00 UTC 起（按其在 small 中分值的 0.5 倍计；"
                "只计一次，以最近一次为准）"
            ),
        )

    def test_whom_a_model_leaves_out_is_told_whom_it_scores(self) -> None:
        audience = (
            ", audience: {when: {field: student, operator: is, value: false},"
            " label: {en: nobody who studies, zh: 非学生}}"
        )
        groups = (
            "{group: acts, of: behaviour, rules: [{rule: r, type: act, points: 5, acts: [chat_started]}]}"
        )
        story = Story(model(groups, audience)).did("chat_started")
        assert words(story) == {
            "": ("small scores only: nobody who studies", "small 只对以下线索评分：非学生")
        }


def test_a_score_says_its_tier_by_label_and_what_it_is_made_of() -> None:
    story = Story(behaviour("type: act, points: 5, acts: [chat_started]")).did("chat_started")
    assert words(story)[""] == (
        "5 points, tier Good since 2026-03-02 09:00 UTC: 0 for who they are, 5 for what they do",
        "5 分，等级 好（自 2026-03-02 09:00 UTC 起）：属性 0 分，行为 5 分",
    )


def test_all_acts_and_fields_that_rules_may_speak_of_have_names_in_both_languages() -> None:
    fields = {name for act in ACTS.values() for name in act.fields}
    assert NAMED_ACTS.keys() >= ACTS.keys()
    assert FIELDS.keys() >= STANDARD_ATTRIBUTES.keys() | fields
    assert all(words.en and words.zh for words in (*NAMED_ACTS.values(), *FIELDS.values()))


def test_lines_come_largest_first_also_those_that_take_away() -> None:
    rules = ", ".join(
        f"{{rule: r{number}, type: act, points: {points}, acts: [{act}]}}"
        for number, (points, act) in enumerate(
            [(3, "chat_started"), (-4, "unsubscribed"), (9, "demo_requested")]
        )
    )
    story = Story(model(f"{{group: acts, of: behaviour, rules: [{rules}]}}"))
    for act in ("chat_started", "unsubscribed", "demo_requested"):
        story.did(act)
    told = why_out("lead", explain_at(ModelSet([story.model]), story.facts, as_of=START))
    assert [line.points for line in told.lines] == [9, 3, -4]
