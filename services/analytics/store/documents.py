"""Analytics' business documents (``config/analytics``): read, checked whole, turned into rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from services.analytics.domain.attribution import AnyAttributionModel, AttributionModel
from services.analytics.domain.credits import Crediting
from services.analytics.domain.milestones import FunnelGoals, TierGoal
from services.analytics.domain.reports import ConversionBand
from services.analytics.domain.touch_points import Takes, TouchRule, TouchRules
from shared.contracts.declarations import DECLARED
from shared.documents.faults import Fault, raise_if_any
from shared.documents.files import read_documents
from shared.documents.versions import D, Document, digest_of, load_document
from shared.kernel.instants import DAY, MINUTE

_EDITION: Final = "2"
"""Raised when facts are derived otherwise by the same documents, so that all of them are derived again."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that no part knows are faults."""


class AttributionModelDocument(Document, frozen=True, kw_only=True):
    """A way to share an outcome between touches (A1)."""

    shares: AnyAttributionModel


class TouchRuleDocument(_Part, frozen=True, kw_only=True):
    """One rule; see :class:`services.analytics.domain.touch_points.TouchRule`."""

    rule: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    takes: Takes
    events: Annotated[tuple[str, ...], Meta(min_length=1)]
    channel: str = ""
    except_channels: tuple[str, ...] = ()


class TouchPointsDocument(Document, frozen=True, kw_only=True):
    """What counts as a touch point; see :class:`services.analytics.domain.touch_points.TouchRules`."""

    lookback_days: Annotated[int, Meta(ge=1, le=3660)]
    visit_minutes: Annotated[int, Meta(ge=0, le=1440)]
    rules: Annotated[tuple[TouchRuleDocument, ...], Meta(min_length=1)]


class GoalDocument(_Part, frozen=True, kw_only=True):
    """A scoring model, and those of its tiers that reach the goal."""

    model: str
    tiers: Annotated[tuple[str, ...], Meta(min_length=1)]


class BandDocument(_Part, frozen=True, kw_only=True):
    """Two bounds in per cent, both included."""

    low: Annotated[float, Meta(ge=0, le=100)]
    high: Annotated[float, Meta(ge=0, le=100)]


class ReportsDocument(Document, frozen=True, kw_only=True):
    """What reports count, and in which currency they speak unless they are asked for another."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    mql: GoalDocument
    sql: GoalDocument
    conversion_percent: BandDocument


class Rulebook(NamedTuple):
    """Everything that the documents say; ``digest`` tells what is derived by them from what was by others."""

    crediting: Crediting
    goals: FunnelGoals
    currency: str
    band: ConversionBand
    digest: str


_TOUCHING: Final = frozenset({"leads", "behaviour"})
"""Topics whose events may be touches: they say what people did."""


def read_rulebook(folder: Path) -> Rulebook:
    """Read every document below ``folder``; of several versions of a model the highest counts.

    :raises DocumentFaults: with every fault of the first kind of document that has any.
    """
    models, digests = _read_models(folder / "attribution_models")
    touches, touches_digest = _read(folder, "touch_points", TouchPointsDocument)
    raise_if_any(_faults_of(touches), about="touch_points.yaml")
    reports, reports_digest = _read(folder, "reports", ReportsDocument)
    if reports.conversion_percent.low > reports.conversion_percent.high:
        raise_if_any([Fault("conversion_percent", "low is above high")], about="reports.yaml")
    return Rulebook(
        crediting=Crediting(_touch_rules(touches), models),
        goals=FunnelGoals(mql=_goal(reports.mql), sql=_goal(reports.sql)),
        currency=reports.currency,
        band=ConversionBand(reports.conversion_percent.low, reports.conversion_percent.high),
        digest=digest_of([*digests, touches_digest, reports_digest, _EDITION]),
    )


def _read_models(folder: Path) -> tuple[Mapping[str, AttributionModel], Sequence[str]]:
    newest: dict[str, tuple[int, AttributionModel]] = {}
    documents = read_documents(folder, kind="attribution_model", shape=AttributionModelDocument)
    for key, loaded in documents.items():
        if key.version > newest.get(key.name, (0,))[0]:
            newest[key.name] = (key.version, loaded.body.shares)
    if not newest:
        raise_if_any(
            [Fault(folder.name, "holds no model; reports need one")],
            about="documents of kind attribution_model",
        )
    digests = sorted(loaded.digest for loaded in documents.values())
    return {name: model for name, (_, model) in sorted(newest.items())}, digests


def _faults_of(document: TouchPointsDocument) -> Sequence[Fault]:
    known = {one.name for one in DECLARED.all() if any(topic.short_name in _TOUCHING for topic in one.topics)}
    faults = []
    for number, rule in enumerate(document.rules):
        where = f"rules[{number}]"
        faults += [
            Fault(f"{where}.events", f"{event} is no event of a person; there are {', '.join(sorted(known))}")
            for event in rule.events
            if event not in known
        ]
        if (rule.takes == "acquisition") == bool(rule.channel):
            faults.append(
                Fault(f"{where}.channel", "an acquisition brings its own; every other rule needs one")
            )
        if rule.takes != "acquisition" and rule.except_channels:
            faults.append(Fault(f"{where}.except_channels", "only an acquisition has several channels"))
    return faults


def _touch_rules(document: TouchPointsDocument) -> TouchRules:
    return TouchRules(
        rules=tuple(
            TouchRule(
                name=rule.rule,
                takes=rule.takes,
                kinds=frozenset(rule.events),
                channel=rule.channel,
                except_channels=frozenset(rule.except_channels),
            )
            for rule in document.rules
        ),
        lookback=document.lookback_days * DAY,
        visit=document.visit_minutes * MINUTE,
    )


def _goal(document: GoalDocument) -> TierGoal:
    return TierGoal(model=document.model, tiers=frozenset(document.tiers))


def _read(folder: Path, kind: str, shape: type[D]) -> tuple[D, str]:
    path = folder / f"{kind}.yaml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise_if_any([Fault(path.name, "is missing or not UTF-8")], about=f"documents of kind {kind}")
        raise
    loaded = load_document(text, kind=kind, shape=shape, about=path.name)
    return loaded.body, loaded.digest
