"""A model's life: which step may follow which, and what they come to."""

from __future__ import annotations

from typing import Any

import pytest

from services.scoring.domain.life.deciding import (
    AlreadySo,
    CountedOtherwise,
    LastModel,
    ModelUnknown,
    NothingBefore,
    NotValidated,
    Standing,
    StillTelling,
    VersionUnknown,
    WhyMissing,
    decide,
)
from services.scoring.domain.life.preview import Tally
from services.scoring.domain.life.register import Register, read_register
from services.scoring.domain.life.steps import (
    Command,
    DraftModel,
    PublishModel,
    RollBackModel,
    ShadowModel,
    ShareModel,
    Step,
    ValidateModel,
)

SHIPPED = {"mql": {1: "d1"}, "five_step": {1: "f1"}}


class Desk:
    """Takes steps and keeps them."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @property
    def register(self) -> Register:
        return read_register(self.steps, shipped=SHIPPED)

    def take(self, kind: type[Any], **said: Any) -> Step:
        standing = {name: said.pop(name) for name in ("counted", "is_passing") if name in said}
        if standing.get("counted") is not None:
            standing["counted"] = Tally(leads=10, up=standing["counted"], activated=1)
        command = kind(**{"model": "mql", "by": "Ann", "why": "a try", **said})
        steps = decide(self.register, command, Standing(7, **standing))
        self.steps += steps
        return steps[-1]

    def draft(self, version: int, *, model: str = "mql") -> None:
        command = DraftModel(model=model, by="Ann", why="a try", text="…")
        self.steps += decide(self.register, command, Standing(7, f"d{version}", version))

    def have_validated(self, version: int, *, model: str = "mql") -> None:
        self.draft(version, model=model)
        self.take(ValidateModel, version=version, model=model)


@pytest.fixture
def desk() -> Desk:
    """Nobody has taken a step yet."""
    return Desk()


def test_the_documents_are_live_from_the_start_with_the_version_in_the_file(desk: Desk) -> None:
    register = desk.register
    assert (register.lives["mql"].live, register.number) == (1, 0)


def test_a_life_goes_from_draft_over_shadow_and_share_to_live_and_back(desk: Desk) -> None:
    def stage() -> str:
        return desk.register.lives["mql"].stage_of(2)

    desk.draft(2)
    assert stage() == "draft"
    desk.take(ValidateModel, version=2)
    assert stage() == "validated"
    desk.take(ShadowModel, version=2)
    assert stage() == "shadow"
    desk.take(ShareModel, version=2, percent=10)
    assert stage() == "share"
    desk.take(PublishModel, version=2)
    assert stage() == "live"
    assert desk.register.lives["mql"].stage_of(1) == "earlier"
    desk.take(RollBackModel)
    assert stage() == "validated"
    assert desk.register.lives["mql"].live == 1


def test_every_step_has_a_number_and_says_who_why_and_when(desk: Desk) -> None:
    desk.have_validated(2)
    assert [(step.number, step.kind, step.by, step.at) for step in desk.steps] == [
        (1, "shipped", "Ann", 7),
        (2, "drafted", "Ann", 7),
        (3, "validated", "Ann", 7),
    ]
    assert desk.steps[1].why == "a try"
    assert [step.digest for step in desk.steps] == ["d1", "d2", "d2"]


def test_only_what_changes_who_is_ruled_by_what_raises_the_number_that_batches_look_at(desk: Desk) -> None:
    desk.have_validated(2)
    assert desk.register.number == 0
    desk.take(ShareModel, version=2, percent=10)
    assert desk.register.number == desk.steps[-1].number
    desk.take(ShadowModel, version=2)
    assert desk.register.number == desk.steps[-1].number


@pytest.mark.parametrize("kind", [ShadowModel, ShareModel, PublishModel])
def test_nothing_is_shadowed_shared_or_published_before_it_was_tried(desk: Desk, kind: type[Any]) -> None:
    desk.draft(2)
    more = {"percent": 10} if kind is ShareModel else {}
    with pytest.raises(NotValidated):
        desk.take(kind, version=2, **more)


def test_a_rollback_while_a_share_is_out_ends_the_share_and_nothing_else(desk: Desk) -> None:
    desk.have_validated(2)
    desk.take(PublishModel, version=2)
    desk.have_validated(3)
    desk.take(ShareModel, version=3, percent=30)
    desk.take(RollBackModel)
    life = desk.register.lives["mql"]
    assert (life.live, life.share) == (2, None)
    desk.take(RollBackModel)
    assert desk.register.lives["mql"].live == 1
    with pytest.raises(NothingBefore):
        desk.take(RollBackModel)


def test_a_shipped_model_that_only_has_a_draft_has_nothing_to_go_back_to(desk: Desk) -> None:
    desk.draft(2)
    with pytest.raises(NothingBefore):
        desk.take(RollBackModel)


def test_a_model_that_was_new_is_gone_again_after_its_rollback(desk: Desk) -> None:
    desk.have_validated(1, model="partners")
    desk.take(PublishModel, model="partners", version=1)
    assert desk.register.lives["partners"].live == 1
    desk.take(RollBackModel, model="partners")
    assert desk.register.lives["partners"].live is None


def test_the_last_live_model_is_not_rolled_back_to_nothing() -> None:
    desk = Desk()
    steps: list[Step] = []
    taken: list[tuple[Command, Standing]] = [
        (DraftModel(model="new", by="Ann", why="first", text="…"), Standing(1, "n1", 1)),
        (ValidateModel(model="new", by="Ann", why="first", version=1), Standing(2)),
        (PublishModel(model="new", by="Ann", why="first", version=1), Standing(3)),
    ]
    for command, standing in taken:
        steps += decide(read_register(steps, shipped={}), command, standing)
    with pytest.raises(LastModel):
        decide(
            read_register(steps, shipped={}), RollBackModel(model="new", by="Ann", why="back"), Standing(4)
        )
    assert desk.steps == []


def test_the_past_is_told_only_by_whoever_says_how_many_changes_were_counted(desk: Desk) -> None:
    desk.have_validated(2)
    for counted, expected in [(None, None), (None, 5), (5, None), (5, 4)]:
        with pytest.raises(CountedOtherwise):
            desk.take(PublishModel, version=2, tells_past=True, expected=expected, counted=counted)
    desk.take(PublishModel, version=2, tells_past=True, expected=5, counted=5)
    assert desk.register.lives["mql"].tells_past
    assert desk.steps[-1].details == {"leads": 10, "up": 5, "down": 0, "activated": 1}


def test_a_share_tells_nothing_of_the_past_whatever_was_published_before(desk: Desk) -> None:
    desk.have_validated(2)
    desk.take(PublishModel, version=2, tells_past=True, expected=5, counted=5)
    desk.have_validated(3)
    with pytest.raises(StillTelling):
        desk.take(ShareModel, version=3, percent=10, is_passing=True)
    desk.take(ShareModel, version=3, percent=10)
    desk.take(ShareModel, version=3, percent=0)
    assert not desk.register.lives["mql"].tells_past


def test_whoever_has_published_can_go_back_though_the_past_is_still_being_told(desk: Desk) -> None:
    desk.have_validated(2)
    desk.take(PublishModel, version=2, tells_past=True, expected=5, counted=5)
    desk.take(RollBackModel, is_passing=True)
    life = desk.register.lives["mql"]
    assert (life.live, life.tells_past) == (1, False)


def test_what_is_so_already_is_refused(desk: Desk) -> None:
    desk.have_validated(2)
    for kind, more in [
        (PublishModel, {"version": 1}),
        (ShareModel, {"version": 2, "percent": 0}),
        (ShareModel, {"version": 1, "percent": 20}),
        (ShadowModel, {"version": 1}),
        (ShadowModel, {"version": 0}),
    ]:
        with pytest.raises(AlreadySo):
            desk.take(kind, **more)


def test_a_step_needs_a_model_a_version_and_a_reason(desk: Desk) -> None:
    with pytest.raises(ModelUnknown):
        desk.take(ValidateModel, model="nobody", version=1)
    with pytest.raises(VersionUnknown):
        desk.take(ValidateModel, version=9)
    with pytest.raises(WhyMissing):
        desk.take(ValidateModel, version=1, why="   ")
    with pytest.raises(WhyMissing):
        desk.take(ValidateModel, version=1, why="x" * 501)
    assert desk.steps == []


def test_once_somebody_has_taken_a_step_another_shipped_version_waits_to_be_published(desk: Desk) -> None:
    desk.draft(2)
    later = {"mql": {3: "d3"}}
    life = read_register(desk.steps, shipped=later).lives["mql"]
    assert life.live == 1
    assert life.stage_of(3) == "validated"
