"""What holds of any history: who is who does not depend on order or cut, and what contradicts is listed.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.directory import Directory
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.identity.resolving import learn, resolve
from services.ingest.domain.intake import Intake
from services.ingest.handlers.settling import Settling
from tests.examples import tried
from tests.unit.ingest.requests import RECEIVED, RULEBOOK
from tests.unit.ingest.shelf import Shelf
from tests.unit.ingest.test_identity import History, histories, message, told
from tests.unit.ingest.test_unmerging import House

NAMES = ["Ada", "Bob", "Cid"]


@st.composite
def requests_of_people(draw: st.DrawFn) -> list[Intake]:
    """Return messages of up to three people, each with ids, browsers and a name of their own.

    What names a person hangs together: one message of each names them by everything.
    """
    intakes: list[Intake] = []
    for number in range(draw(st.integers(1, 3))):
        all_of_it: dict[str, Any] = {"name": NAMES[number]}
        if draw(st.booleans()):
            all_of_it["user"] = f"u{number}"
        if draw(st.booleans()):
            all_of_it["phone"] = f"1380013800{number}"
        if draw(st.booleans()) or len(all_of_it) == 1:
            all_of_it["email"] = f"p{number}@example.com"
        intakes.append(message(browser=f"b{number}-0", **all_of_it))
        for _ in range(draw(st.integers(0, 5))):
            wanted = draw(st.sets(st.sampled_from(sorted(all_of_it)), max_size=3))
            some = {name: all_of_it[name] for name in wanted}
            browser = draw(st.sampled_from([f"b{number}-0", f"b{number}-1"]))
            kind = "page" if not some.keys() - {"name"} else "identify"
            intakes.append(message(kind, browser=browser, **some))
    order = draw(st.permutations(range(len(intakes))))
    return [intakes[place] for place in order]


def truth(intakes: Iterable[Intake]) -> set[frozenset[str]]:
    """Return who is who, by joining whatever one message names."""
    groups: list[set[str]] = []
    for intake in intakes:
        own = {one.hash for one in (*intake.anchors, *intake.anonymous)}
        for group in [one for one in groups if one & own]:
            groups.remove(group)
            own |= group
        groups.append(own)
    return {frozenset(one) for one in groups}


def cut(intakes: Sequence[Intake], sizes: Sequence[int]) -> Shelf:
    shelf, start = Shelf(), 0
    for size in sizes:
        shelf.resolve(intakes[start : start + size])
        start += size
    shelf.resolve(intakes[start:])
    return shelf


class TestPeopleWhoDoNotContradictEachOther:
    @settings(max_examples=tried(80), deadline=None)
    @given(requests_of_people(), st.lists(st.integers(1, 6), max_size=5))
    def test_are_the_same_in_any_order_and_any_cut(self, intakes: list[Intake], sizes: list[int]) -> None:
        shelf = cut(intakes, sizes)
        assert shelf.people() == truth(intakes)
        assert shelf.doubts == {}, "nobody need be asked"

    @settings(max_examples=tried(50), deadline=None)
    @given(requests_of_people(), st.randoms(use_true_random=False))
    def test_are_the_same_whatever_comes_first(self, intakes: list[Intake], lot: Any) -> None:
        other = list(intakes)
        lot.shuffle(other)
        assert cut(intakes, ()).people() == cut(other, ()).people()


class TestAnyHistory:
    @settings(max_examples=tried(80), deadline=None)
    @given(histories)
    def test_lists_whatever_was_not_followed(self, history: History) -> None:
        directory = Directory()
        for intake in told(history):
            directory.begin_fact()
            found = resolve(directory, intake, RULEBOOK.matching)
            directory.save_lead(learn(found.lead, intake, found.demoted))
            listed = {doubt.kind for doubt in directory.doubts}
            for anchor in intake.anchors:
                owner = directory.lead_of(anchor)
                is_followed = owner is not None and owner.id == found.lead.id
                assert is_followed or anchor.kind in {*listed, IdentifierKind.NUMBER_AND_NAME}

    @settings(max_examples=tried(80), deadline=None)
    @given(histories, st.lists(st.integers(1, 6), max_size=6))
    def test_is_doubted_the_same_however_it_is_cut(self, history: History, sizes: list[int]) -> None:
        intakes = told(history)
        whole, pieces = cut(intakes, ()), cut(intakes, sizes)
        assert pieces.doubts == whole.doubts
        assert pieces.people() == whole.people()

    @settings(max_examples=tried(80), deadline=None)
    @given(histories)
    def test_gives_every_identifier_to_one_lead(self, history: History) -> None:
        shelf = cut(told(history), ())
        people = shelf.people()
        assert sum(map(len, people)) == len(shelf.owners)
        assert len(frozenset().union(*people)) == len(shelf.owners)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@settings(max_examples=tried(50), deadline=None)
@given(names=st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), has_user=st.booleans())
def test_a_merge_that_is_taken_back_leaves_what_was_before(
    order: tuple[int, int], names: tuple[str, str], has_user: bool
) -> None:
    house = House()
    for number, name in enumerate(names):
        more: dict[str, Any] = {"user": f"u{number}"} if has_user else {}
        house.take(message(browser=f"b{number}", email=f"p{number}@example.com", name=name, **more))
    before = [house.owner(IdentifierKind.EMAIL, f"p{number}@example.com") for number in (0, 1)]
    Settling(RULEBOOK.matching).on_merge(
        house.directory, *(before[n] for n in order), by="Mia", reason="", at=RECEIVED, cause="c" * 32
    )
    gone = max(one.id for one in before)
    house.unmerge(gone)
    after = [house.owner(IdentifierKind.EMAIL, f"p{number}@example.com") for number in (0, 1)]
    for was, now in zip(before, after, strict=True):
        assert (now.id, now.external_ids, now.attribute_values()) == (
            *(was.id, was.external_ids),
            was.attribute_values(),
        )
        assert now.contact.text("email") == was.contact.text("email")
        held = {kind: set(one) for kind, one in now.identifiers.items() if kind != "apart"}
        assert held == {kind: set(one) for kind, one in was.identifiers.items()}
