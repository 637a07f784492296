"""Attention (C11): price page, or three mails in seven days; one per lead in 24 hours of occurred time."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.bootstrap import build_stage, load_attention
from services.scoring.domain.attention.document import AttentionFaults, compile_attention
from services.scoring.domain.attention.wanting import AttentionState, ToldWant
from services.scoring.domain.facts import Fact
from services.scoring.domain.verdicts import DISMISSED, LEAD_VERDICT
from services.scoring.handlers.interpreting import ProfileMoved
from services.scoring.store.bant import read_attention
from shared.contracts.events.tier_changes import AttentionWanted
from shared.kernel.changes import Fact as Learned
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, HOUR, MICROSECOND, MINUTE, Instant
from tests.unit.scoring.handlers.world import PARTITIONS, World
from tests.unit.scoring.stories import BOTH, CONFIG, START, day, hour, vocabulary

SHIPPED = load_attention(CONFIG.parent)
NOTHING: Mapping[str, object] = {}
ADA, BOB = (deterministic_id("somebody who asks for attention", name) for name in ("ada", "bob"))


class Story:
    """What leads do, and what was said of it."""

    def __init__(self) -> None:
        self.world = World()
        self.world.stage = build_stage(BOTH, partitions=PARTITIONS, attention=SHIPPED)
        self.number = 0

    def did(
        self,
        name: str,
        at: Instant,
        *,
        who: str = ADA,
        learnt: Instant | None = None,
        fields: Mapping[str, object] = NOTHING,
    ) -> Story:
        """Somebody did something, learnt at once unless said otherwise."""
        self.number += 1
        identity = deterministic_id("asks for attention", str(self.number))
        received = at if learnt is None else learnt
        fact = Fact(identity, who, at, received, name, fields)
        self.world.learn([Learned(identity, who, received, fact)])
        return self

    def viewed(self, at: Instant, *, learnt: Instant | None = None, kind: str = "price") -> Story:
        return self.did("page_viewed", at, learnt=learnt, fields={"path": "/x", "kind": kind})

    def opened(self, message: str, at: Instant, *, learnt: Instant | None = None) -> Story:
        return self.did("email_opened", at, learnt=learnt, fields={"message": message})

    def wanted(self, who: str = ADA) -> list[tuple[str, Instant]]:
        """What was said, in order."""
        told = self.world.kept(who).attention.told
        said = [one for one in self.world.told_on_topic(who) if isinstance(one, AttentionWanted)]
        assert [one.sign for one in said] == [one.sign for one in told]
        assert [one.acts[-1] for one in said] == [one.event for one in told]
        return [(one.sign, one.at) for one in told]


def test_the_price_page_asks_for_attention_at_once_by_c11() -> None:
    assert Story().viewed(START).wanted() == [("price_page_visited", START)]
    assert Story().viewed(START, kind="solution").viewed(START, kind="home").wanted() == []


def test_three_mails_opened_in_seven_days_ask_for_attention_by_c11() -> None:
    story = Story().opened("a", START).opened("a", hour(1)).opened("b", hour(2))
    assert story.wanted() == []
    assert story.opened("c", day(7)).wanted() == [("several_mails_opened", day(7))]


def test_mails_of_more_than_seven_days_do_not_count_together_by_c11() -> None:
    story = Story().opened("a", START).opened("b", day(1)).opened("c", day(7) + MICROSECOND)
    assert story.wanted() == []


@pytest.mark.parametrize(("after", "count"), [(MINUTE, 1), (DAY - MICROSECOND, 1), (DAY, 2), (2 * DAY, 2)])
def test_one_lead_asks_once_in_24_hours_by_c11(after: int, count: int) -> None:
    assert len(Story().viewed(START).viewed(START + after).wanted()) == count


def test_both_signs_share_the_24_hours_by_c11() -> None:
    story = Story().opened("a", START).opened("b", hour(1)).viewed(hour(2)).opened("c", hour(3))
    assert story.wanted() == [("price_page_visited", hour(2))]
    assert story.opened("d", hour(26)).wanted()[1:] == [("several_mails_opened", hour(26))]


def test_what_is_learnt_late_is_told_while_it_is_recent_and_not_too_near_to_what_was_told() -> None:
    assert Story().viewed(START, learnt=START + DAY - 1).wanted() == [("price_page_visited", START)]
    assert Story().viewed(START, learnt=START + DAY).wanted() == []
    story = Story().viewed(hour(30)).viewed(hour(10), learnt=hour(31))
    assert story.wanted() == [("price_page_visited", hour(30))]
    story = Story().opened("a", START).opened("c", hour(3)).opened("b", hour(1), learnt=hour(4))
    assert story.wanted() == [("several_mails_opened", hour(3))]


def test_the_same_act_told_twice_asks_once_and_what_does_not_count_asks_for_nothing() -> None:
    story = Story().viewed(START)
    story.number -= 1
    assert len(story.viewed(START).wanted()) == 1
    dismissed = Story().did("page_viewed", START, fields={"kind": "price", DISMISSED: "bot"})
    assert dismissed.wanted() == []
    verdict = {"number": 1, "invalid": True, "pardons": False}
    invalid = Story().did("chat_started", START).did(LEAD_VERDICT, hour(1), fields=verdict).viewed(hour(2))
    assert invalid.wanted() == []


def test_a_merge_asks_for_nothing_and_what_is_done_after_it_does() -> None:
    story = Story().viewed(START).did("chat_started", START, who=BOB)
    story.world.learn([Learned("move", ADA, hour(1), ProfileMoved(ADA, BOB, 1))])
    waiting, story.world.internal = story.world.internal, []
    story.world.learn(waiting)
    assert story.wanted(BOB) == []
    story.viewed(hour(40))
    waiting, story.world.internal = story.world.internal, []
    story.world.learn(waiting)
    assert story.wanted(BOB) == [("price_page_visited", hour(40))]
    assert story.wanted() == [("price_page_visited", START)]


def test_faults_of_the_document_are_told_with_their_paths() -> None:
    document = read_attention(CONFIG)
    broken = [*document.signs, document.signs[0]]
    wrong = msgspec.structs.replace(
        document, signs=(*broken, msgspec.structs.replace(document.signs[1], sign="x", acts=("opened",)))
    )
    with pytest.raises(AttentionFaults) as caught:
        compile_attention(wrong, vocabulary())
    assert {fault.path for fault in caught.value.faults} == {"signs[2].sign", "signs[3].acts[0]"}
    assert document.quiet_hours == 24


@given(st.randoms(use_true_random=False), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_in_any_history_none_is_too_near_to_another_and_none_is_missed(draw: Random, length: int) -> None:
    """In any order and cut; told twice or not; the oracle looks at all acts known by then."""
    state, known, now = AttentionState(), list[Fact](), START
    for number in range(length):
        now += draw.choice([MINUTE, HOUR, 10 * HOUR, 30 * HOUR])
        name = draw.choice(["page_viewed", "email_opened"])
        at = now - draw.choice([0, 0, HOUR, 5 * HOUR, 23 * HOUR, 5 * DAY])
        fields = {"path": "/x", "kind": draw.choice(["price", "home"]), "message": draw.choice("abcd")}
        fact = Fact(deterministic_id("any act", str(number)), ADA, at, now, name, fields)
        before = state.told
        state, want = SHIPPED.learn(state, [fact], now=now, may_tell=True)
        again, repeated = SHIPPED.learn(state, [fact], now=now, may_tell=True)
        assert (again, repeated) == (state, None)
        known.append(fact)
        due = [
            one
            for one in _completed(known, fact)
            if now - one < DAY and all(abs(one - told.at) >= DAY for told in before)
        ]
        assert (want is None) == (not due)
        assert want is None or want.at == max(due)
    told = [one.at for one in state.told]
    assert all(abs(one - other) >= DAY for i, one in enumerate(told) for other in told[:i])
    assert all(isinstance(one, ToldWant) for one in state.told)


def _completed(known: list[Fact], fresh: Fact) -> list[Instant]:
    """Instants at which an act completes a sign to which ``fresh`` belongs, by a plain reading of C11."""
    if fresh.name == "page_viewed":
        return [fresh.occurred] if fresh.fields["kind"] == "price" else []
    mails = sorted(
        (fact.occurred, fact.id, fact.fields["message"]) for fact in known if fact.name == "email_opened"
    )
    found = []
    for at, identity, _ in mails:
        within = [one for one in mails if one[:2] <= (at, identity) and at - one[0] <= 7 * DAY]
        newest = {message: (when, event) for when, event, message in within}
        latest = sorted(newest.values())[-3:]
        if len(newest) >= 3 and (fresh.occurred, fresh.id) in latest:
            found.append(at)
    return found
