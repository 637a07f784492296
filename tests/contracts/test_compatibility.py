"""Within a version nothing may change that a reader or a writer of the other state would not survive."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

import msgspec
import pytest
from msgspec import Meta, defstruct

from shared.contracts.attributes import Moment
from shared.contracts.compatibility import breaking_changes
from shared.contracts.declarations import Declaration, Event
from shared.contracts.events import DECLARATIONS
from shared.contracts.json_schema import schema_of
from shared.contracts.topics import LEADS


class Today:
    class Part(msgspec.Struct):
        rule: str
        points: int


class Longer:
    class Part(msgspec.Struct):
        rule: str
        points: int
        note: str = ""


class Shorter:
    class Part(msgspec.Struct):
        rule: str


class Extra(msgspec.Struct):
    rule: str


FIELDS: dict[str, Any] = {
    "lead": str,
    "count": int,
    "direction": Literal["up", "down"],
    "attributes": dict[str, str | int | None],
    "pairs": list[tuple[str, bytes]],
    "parts": list[Today.Part],
    "note": (str | None, None),
    "best": (Today.Part | None, None),
    "factor": (int, 1),
}

SHORTER: dict[str, Any] = {"parts": list[Shorter.Part], "best": (Shorter.Part | None, None)}


def a_schema(*, without: str = "", **changed: Any) -> dict[str, Any]:
    """Return the schema of the planted event with some of its fields changed, added or left out."""
    fields = {name: kind for name, kind in {**FIELDS, **changed}.items() if name != without}
    struct = cast(
        "type[Event]",
        defstruct(
            "Planted",
            [(name, *kind) if isinstance(kind, tuple) else (name, kind) for name, kind in fields.items()],
            bases=(Event,),
            frozen=True,
            kw_only=True,
        ),
    )
    return schema_of(Declaration(name="planted", version=1, topics=(LEADS,), struct=struct))


class TestARefusedChange:
    @pytest.mark.parametrize(
        ("new", "complaint"),
        [
            (lambda: a_schema(without="lead"), "$.lead: removed field"),
            (lambda: a_schema(without="note"), "$.note: removed field"),
            (lambda: a_schema(lead=int), '$.lead: changed type from "string" to "integer"'),
            (lambda: a_schema(lead=str | None), "$.lead: changed type"),
            (lambda: a_schema(lead=Moment), "$.lead: changed format"),
            (lambda: a_schema(lead=bytes), "$.lead: changed contentEncoding"),
            (lambda: a_schema(lead=Annotated[str, Meta(max_length=9)]), "$.lead: changed maxLength"),
            (lambda: a_schema(lead=list[str]), "$.lead: changed type"),
            (lambda: a_schema(lead=Literal["a"]), "$.lead: changed type"),
            (lambda: a_schema(direction=str), "$.direction: changed type"),
            (lambda: a_schema(direction=Literal["up"]), '$.direction: narrowed enum, "down" is gone'),
            (lambda: a_schema(urgent=bool), "$.urgent: new required field"),
            (lambda: a_schema(note=str | None), "$.note: optional field became required"),
            (lambda: a_schema(count=(int, 0)), "$.count: required field became optional"),
            (lambda: a_schema(factor=(int, 2)), "$.factor: changed default from 1 to 2"),
            (lambda: a_schema(attributes=dict[str, str | None]), "$.attributes[]: changed type"),
            (lambda: a_schema(attributes=dict[str, str | int | bool | None]), "$.attributes[]: changed type"),
            (lambda: a_schema(pairs=list[tuple[str, str]]), "$.pairs[][1]: changed contentEncoding"),
            (lambda: a_schema(pairs=list[tuple[str, bytes, int]]), "$.pairs[]: changed type"),
            (lambda: a_schema(parts=list[str]), "$.parts[]: changed type"),
            (
                lambda: a_schema(parts=list[Shorter.Part], best=(Shorter.Part | None, None)),
                "$.parts[].points: removed field",
            ),
            (
                lambda: a_schema(parts=list[Shorter.Part], best=(Shorter.Part | None, None)),
                "$.best.points: removed field",
            ),
        ],
    )
    def test_is_named_with_the_path_of_the_field(
        self, new: Callable[[], dict[str, Any]], complaint: str
    ) -> None:
        found = breaking_changes(a_schema(), new())
        assert any(each.startswith(complaint) for each in found), found

    def test_is_found_with_every_other_one_beside_it(self) -> None:
        found = breaking_changes(a_schema(), a_schema(without="lead", urgent=bool, direction=Literal["up"]))
        assert len(found) == 3


class TestAnAllowedChange:
    @pytest.mark.parametrize(
        "new",
        [
            a_schema,
            lambda: a_schema(extra=(str, "")),
            lambda: a_schema(extra=(list[Extra] | None, None)),
            lambda: a_schema(direction=Literal["up", "down", "level"]),
            lambda: a_schema(parts=list[Longer.Part], best=(Longer.Part | None, None)),
            lambda: a_schema(lead=Annotated[str, Meta(description="Told in other words", examples=["a"])]),
        ],
    )
    def test_passes(self, new: Callable[[], dict[str, Any]]) -> None:
        assert breaking_changes(a_schema(), new()) == []

    @pytest.mark.parametrize("each", DECLARATIONS, ids=lambda each: each.file_stem)
    def test_is_no_change_at_all(self, each: Declaration) -> None:
        assert breaking_changes(schema_of(each), schema_of(each)) == []

    @pytest.mark.parametrize("each", DECLARATIONS, ids=lambda each: each.file_stem)
    def test_is_a_new_optional_field_on_any_event(self, each: Declaration) -> None:
        longer = cast(
            "type[Event]",
            defstruct(
                each.struct.__name__,
                [("added_later", str | None, None)],
                bases=(each.struct,),
                frozen=True,
                kw_only=True,
            ),
        )
        later = Declaration(name=each.name, version=each.version, topics=each.topics, struct=longer)
        assert breaking_changes(schema_of(each), schema_of(later)) == []
        assert breaking_changes(schema_of(later), schema_of(each)) == ["$.added_later: removed field"]


def test_a_record_of_the_shorter_state_reads_in_the_longer_and_the_other_way_round() -> None:
    shorter = msgspec.json.encode(Today.Part(rule="a", points=1))
    longer = msgspec.json.encode(Longer.Part(rule="a", points=1, note="b"))
    assert msgspec.json.decode(shorter, type=Longer.Part) == Longer.Part(rule="a", points=1)
    assert msgspec.json.decode(longer, type=Today.Part) == Today.Part(rule="a", points=1)
