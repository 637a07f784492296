"""Wanted fields (C10): who spoke to an incomplete lead for the first time is told what is still unknown."""

from __future__ import annotations

import msgspec
import pytest

from services.scoring.bootstrap import build_stage, load_attention
from services.scoring.domain.attention.document import AttentionFaults, compile_attention
from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.scored_lead import FirstContact
from services.scoring.handlers.interpreting import PersonForgotten, ProfileMoved
from services.scoring.store.bant import read_attention
from shared.contracts.events.tier_changes import FieldsWanted
from shared.kernel.changes import Fact as Learned
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from tests.unit.scoring.handlers.world import PARTITIONS, World
from tests.unit.scoring.stories import BOTH, CONFIG, START, hour, vocabulary

SHIPPED = load_attention(CONFIG.parent)
ADA, BOB = (deterministic_id("somebody whose fields are wanted", name) for name in ("ada", "bob"))


class Story:
    """What becomes known of leads, who spoke to them, and what was asked for."""

    def __init__(self) -> None:
        self.world = World()
        self.world.stage = build_stage(BOTH, partitions=PARTITIONS, attention=SHIPPED)
        self.number = 0

    def learn(self, event: object, at: Instant, who: str = ADA) -> Story:
        self.number += 1
        self.world.learn([Learned(deterministic_id("wanted fields", str(self.number)), who, at, event)])
        return self

    def known(self, at: Instant, **fields: object) -> Story:
        identity = deterministic_id("what is known", f"{self.number} {at}")
        return self.learn(Fact(identity, ADA, at, at, ATTRIBUTES, fields), at)

    def spoke(self, at: Instant, assignment: str = "spell-1") -> Story:
        return self.learn(FirstContact("rep-1", assignment, at), at)

    def asked(self) -> list[tuple[str, list[str]]]:
        """Under which spell what was asked for, in order; what is remembered says the same."""
        said = [one for one in self.world.told_on_topic(ADA) if isinstance(one, FieldsWanted)]
        kept = self.world.kept(ADA).attention.asked
        assert [(one.assignment, tuple(one.fields)) for one in said] == [
            (one.assignment, one.fields) for one in kept
        ]
        return [(one.assignment, one.fields) for one in said]


def test_the_fields_that_are_missing_after_the_first_contact_are_asked_for_by_c10() -> None:
    story = Story().known(START, industry="software", title_level="director").spoke(hour(1))
    assert story.asked() == [("spell-1", ["size", "region"])]


def test_of_a_lead_of_whom_nothing_is_known_all_are_asked_for() -> None:
    assert Story().spoke(START).asked() == [("spell-1", list(SHIPPED.fields))]


def test_nothing_is_asked_for_before_the_first_contact_nor_where_all_is_known() -> None:
    everything = {"industry": "software", "size": "201_500", "title_level": "director", "region": "CN-31"}
    story = Story().known(START, **everything)
    assert story.asked() == []
    assert story.spoke(hour(1)).asked() == []


def test_each_spell_asks_once_for_what_is_missing_then() -> None:
    story = Story().known(START, industry="software").spoke(hour(1)).spoke(hour(2))
    assert len(story.asked()) == 1
    story.known(hour(3), size="201_500").spoke(hour(4), "spell-2")
    assert story.asked()[1] == ("spell-2", ["title_level", "region"])


def test_a_field_that_arrives_is_scored_at_once_by_c10() -> None:
    story = Story().known(START, industry="software").spoke(hour(1))
    before = story.world.kept(ADA).score
    story.known(hour(2), title_level="director")
    after = story.world.kept(ADA).score
    assert before is not None
    assert after is not None
    assert after.models["mql"] != before.models["mql"]


def test_who_lives_elsewhere_or_is_forgotten_is_asked_for_nothing() -> None:
    moved = Story().learn(ProfileMoved(ADA, BOB, 1), START).spoke(hour(1))
    assert moved.asked() == []
    forgotten = Story().known(START, industry="software").learn(PersonForgotten(ADA), hour(1)).spoke(hour(2))
    assert forgotten.asked() == []


def test_a_field_that_is_no_attribute_is_refused_with_its_path() -> None:
    document = msgspec.structs.replace(read_attention(CONFIG), wanted_fields=("industry", "shoe_size"))
    with pytest.raises(AttentionFaults) as refused:
        compile_attention(document, vocabulary())
    assert [fault.path for fault in refused.value.faults] == ["wanted_fields[1]"]


def test_every_field_that_ships_as_wanted_is_read_by_a_shipped_model() -> None:
    assert SHIPPED.fields
    assert set(SHIPPED.fields) <= BOTH.attributes
