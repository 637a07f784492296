"""The accounting sees what is lost, double, misplaced and invented, and nothing where all is right."""

from __future__ import annotations

import pytest

from tests.failure.on_door.accounting import Made, account
from tests.failure.on_door.messages import Fate, Message, make_parcels
from tests.failure.oracle.comparison import Differences


def sent(name: str, fate: Fate = "act", *, acknowledged: int = 1, times: int = 1) -> Message:
    return Message(name, b"{}", fate, sent=times, acknowledged=acknowledged)


def kinds(book: list[Message], made: Made) -> dict[str, int]:
    differences = Differences()
    account(book, made, differences)
    return dict(differences.kinds)


BOOK = [
    sent("a"),
    sent("k", "known"),
    sent("q", "quarantined"),
    sent("u", acknowledged=0),
    sent("n", acknowledged=0),
]
RIGHT = Made(seen={"a", "k", "u"}, quarantined={"q"}, dead=[], acts={"a": 1, "u": 1})


def test_what_was_not_acknowledged_may_have_taken_effect_or_not() -> None:
    differences = Differences()
    counts = account(BOOK, RIGHT, differences)
    assert differences.lines == []
    assert counts["sent"] == 5
    assert counts["acknowledged"] == 3
    assert counts["not acknowledged, and took effect once"] == 1
    assert (counts["processed"], counts["quarantined"]) == (3, 1)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (Made(seen={"a", "u"}, quarantined={"q"}, dead=[], acts={"a": 1, "u": 1}), {"lost": 1}),
        (Made(seen={"a", "k", "u"}, quarantined={"q"}, dead=[], acts={"u": 1}), {"lost": 1}),
        (Made(seen={"a", "k", "u"}, quarantined={"q"}, dead=[], acts={"a": 2, "u": 1}), {"double": 1}),
        (Made(seen={"a", "k", "u"}, quarantined={"q"}, dead=[], acts={"a": 1, "u": 2}), {"double": 1}),
        (Made(seen={"a", "k", "u", "q"}, quarantined={"q"}, dead=[], acts={"a": 1, "u": 1}), {"double": 1}),
        (Made(seen={"a", "k", "u"}, quarantined={"q"}, dead=["k"], acts={"a": 1, "u": 1}), {"double": 1}),
        (
            Made(seen={"a", "k", "u", "q"}, quarantined=set(), dead=[], acts={"a": 1, "u": 1}),
            {"different": 1},
        ),
        (Made(seen={"a", "k", "u", "x"}, quarantined={"q"}, dead=[], acts={"a": 1, "u": 1}), {"invented": 1}),
    ],
)
def test_each_difference_is_named(made: Made, found: dict[str, int]) -> None:
    assert kinds(BOOK, made) == found


def test_the_load_has_the_shapes_that_it_says() -> None:
    parcels = list(make_parcels(events=20_000, seed=1))
    messages = [message for parcel in parcels for message in parcel.messages]
    assert len(messages) == len({message.record_id for message in messages}) == 20_000
    sizes = [len(parcel.messages) for parcel in parcels]
    assert {size: round(sizes.count(size) / len(sizes), 1) for size in (1, 3, 5, 10)} == {
        1: 0.1,
        3: 0.2,
        5: 0.3,
        10: 0.4,
    }
    fates = [message.fate for message in messages]
    assert round(fates.count("known") / 20_000, 1) == 0.1
    assert 100 < fates.count("quarantined") < 300
