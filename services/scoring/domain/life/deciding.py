"""Whether a step may be taken: a pure answer to a command, or a refusal that says what to do first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

import msgspec

from services.scoring.domain.life.preview import Tally
from services.scoring.domain.life.register import Life, Register, Share
from services.scoring.domain.life.steps import (
    Command,
    DraftModel,
    Kind,
    PublishModel,
    RollBackModel,
    ShadowModel,
    ShareModel,
    Step,
    ValidateModel,
)
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

LONGEST_WHY: Final = 500
"""The most characters of a reason."""


class ModelUnknown(Rejected):
    """There is no scoring model of this name; GET /scoring/v1/models lists those there are."""

    code: ClassVar[str] = "scoring.model_unknown"


class VersionUnknown(Rejected):
    """This model has no such version; its history lists those that were handed in."""

    code: ClassVar[str] = "scoring.version_unknown"


class WhyMissing(Rejected):
    """Say why, in 1 to 500 characters; it stands in the model's history."""

    code: ClassVar[str] = "scoring.why_missing"


class NotValidated(Rejected):
    """This version has not been tried on leads yet; validate it first."""

    code: ClassVar[str] = "scoring.not_validated"


class AlreadySo(Rejected):
    """It is so already; nothing was changed."""

    code: ClassVar[str] = "scoring.already_so"


class NothingBefore(Rejected):
    """No version was live before this one, and none is shared out; there is nothing to go back to."""

    code: ClassVar[str] = "scoring.nothing_before"


class LastModel(Rejected):
    """This is the last live model; publish another one first."""

    code: ClassVar[str] = "scoring.last_model"


class StillTelling(Rejected):
    """What the live version changes is still being told; wait until everybody is under it, or roll back."""

    code: ClassVar[str] = "scoring.still_telling"


class CountedOtherwise(Rejected):
    """Telling the past begins with a preview: run it, and say how many changes it counted."""

    code: ClassVar[str] = "scoring.counted_otherwise"


def find_life(register: Register, model: str) -> Life:
    """Return the life of a model. :raises ModelUnknown: if there is none of this name."""
    life = register.lives.get(model)
    if life is None:
        raise ModelUnknown
    return life


def check_version(life: Life, version: int) -> int:
    """Return a version that there is. :raises VersionUnknown: if there is none."""
    if version not in life.digests:
        raise VersionUnknown
    return version


class Standing(NamedTuple):
    """What a decision rests on besides the register.

    ``digest`` and ``version`` are those of a draft's document. ``counted`` is what the last preview of what
    is asked for has found, None if there is none that still holds. ``is_passing`` says that not everybody is
    under the ruling versions yet.
    """

    at: Instant
    digest: str = ""
    version: int = 0
    counted: Tally | None = None
    is_passing: bool = False


def decide(register: Register, command: Command, standing: Standing) -> list[Step]:
    """Return the steps to record.

    The first step about a shipped model is led by one that notes what was live.

    :raises Rejected: if the step may not be taken, with what to do first.
    """
    if not command.why.strip() or len(command.why) > LONGEST_WHY:
        raise WhyMissing
    life = register.lives.get(command.model)
    if isinstance(command, DraftModel):
        life = life or Life(name=command.model)
        step = _step(life, command, standing.version, "drafted", digest=standing.digest)
    elif life is None:
        raise ModelUnknown
    elif isinstance(command, RollBackModel):
        step = _roll_back(register, life, command, standing)
    elif isinstance(command, ShadowModel) and not command.version:
        if life.shadow is None:
            raise AlreadySo
        step = _step(life, command, life.shadow, "shadow_ended")
    elif isinstance(command, ValidateModel):
        check_version(life, command.version)
        step = _step(life, command, command.version, "validated", details=command.details)
    else:
        step = _promote(life, command, standing)
    noted = [] if life.is_recorded or life.live is None else [_note(life, life.live, by=command.by)]
    return [
        msgspec.structs.replace(one, number=register.steps + place, at=standing.at)
        for place, one in enumerate([*noted, step], start=1)
    ]


def _promote(life: Life, command: ShadowModel | ShareModel | PublishModel, standing: Standing) -> Step:
    version = check_version(life, command.version)
    if version not in life.validated:
        raise NotValidated
    if isinstance(command, ShadowModel):
        if version in {life.live, life.shadow}:
            raise AlreadySo
        return _step(life, command, version, "shadowed")
    if standing.is_passing and life.tells_past:
        raise StillTelling
    if isinstance(command, ShareModel):
        held = life.share or Share(version, 0)
        if version == life.live or held == (version, command.percent):
            raise AlreadySo
        return _step(life, command, version, "shared", percent=command.percent)
    if version == life.live and life.share is None:
        raise AlreadySo
    _check_count(command, standing)
    return _step(
        *(life, command, version, "published"),
        tells_past=command.tells_past,
        details=_figures(standing),
    )


def _roll_back(register: Register, life: Life, command: RollBackModel, standing: Standing) -> Step:
    if life.share is not None:
        return _step(life, command, life.share.version, "rolled_back")
    if not life.earlier:
        raise NothingBefore
    before = life.earlier[-1]
    others = [other for other in register.lives.values() if other.name != life.name]
    if not before and all(other.live is None for other in others):
        raise LastModel
    _check_count(command, standing)
    return _step(
        *(life, command, before, "rolled_back"),
        tells_past=command.tells_past and bool(before),
        details=_figures(standing),
    )


def _check_count(command: PublishModel | RollBackModel, standing: Standing) -> None:
    is_known = standing.counted is not None and command.expected == standing.counted.affected
    if command.tells_past and not is_known:
        raise CountedOtherwise


def _figures(standing: Standing) -> Mapping[str, object]:
    """Return what was counted beforehand, for the history."""
    counted = standing.counted
    if counted is None:
        return {}
    return {"leads": counted.leads, "up": counted.up, "down": counted.down, "activated": counted.activated}


def version_after(life: Life, command: PublishModel | RollBackModel) -> int | None:
    """Return the version that would be live for everybody, None where a share ends and nobody else moves."""
    if isinstance(command, PublishModel):
        return command.version
    if life.share is not None:
        return None
    return life.earlier[-1] if life.earlier else None


def _note(life: Life, version: int, *, by: str) -> Step:
    return Step(
        number=0,
        model=life.name,
        version=version,
        kind="shipped",
        at=0,
        by=by,
        why="live by the documents until now",
        digest=life.digests[version],
    )


def _step(
    life: Life,
    command: Command,
    version: int,
    kind: Kind,
    *,
    digest: str = "",
    percent: int = 0,
    tells_past: bool = False,
    details: Mapping[str, object] | None = None,
) -> Step:
    return Step(
        number=0,
        model=life.name,
        version=version,
        kind=kind,
        at=0,
        by=command.by,
        why=command.why.strip(),
        digest=digest or life.digests.get(version, ""),
        percent=percent,
        tells_past=tells_past,
        details=details or {},
    )
