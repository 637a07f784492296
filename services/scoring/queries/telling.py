"""What other systems are shown of a change or an activation: the same over the stream and to webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.scoring.domain.activation.told import SaidActivation
from services.scoring.domain.told_changes import ToldChange
from services.scoring.domain.webhooks.webhook import Kind, Said
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import format_instant

CONTENT_TYPE: Final = "application/cloudevents+json"
"""How a webhook's body is marked."""


def kind_of(said: Said) -> Kind:
    """Return which of the two it is."""
    return "lead_activated" if isinstance(said, SaidActivation) else "tier_changed"


def event_of(said: Said) -> str:
    """Return the id under which it was said on the topic: the same wherever it is told, however often.

    What was told before ids were kept beside it has one that follows from what it says.
    """
    if isinstance(said, SaidActivation):
        activation = said.activation
        told = said.event or deterministic_id(said.lead, activation.model, str(activation.cycle))
    else:
        told = said.details.event or deterministic_id(said.lead, said.change.model, said.cause)
    return told


def show_said(said: Said) -> dict[str, Any]:
    """Return what is told, points being points and not thousandths."""
    return show_activation(said) if isinstance(said, SaidActivation) else show_change(said)


def write_event(said: Said) -> bytes:
    """Return a webhook's body: a CloudEvent whose data is what the stream shows; always the same bytes."""
    data = show_said(said)
    event = {
        "specversion": "1.0",
        "id": event_of(said),
        "source": "/leadmill/scoring",
        "type": f"leadmill.{kind_of(said)}",
        "subject": said.lead,
        "time": data["at"],
        "datacontenttype": "application/json",
        "data": data,
    }
    return msgspec.json.encode(event)


def show_change(told: ToldChange) -> dict[str, Any]:
    """Return what is told of a tier change."""
    change = told.change
    return {
        "id": event_of(told),
        "lead": told.lead,
        "model": change.model,
        "model_version": change.version,
        "direction": change.direction,
        "from_tier": change.from_tier,
        "to_tier": change.to_tier,
        "points": change.points / 1000,
        "at": format_instant(change.at),
        "told_at": format_instant(told.told_at),
        "restated": change.restated,
        "reasons": [
            {"rule": rule, "points": points / 1000, "event": event}
            for rule, points, event in told.details.reasons
        ],
        "external_ids": _named(told.details.external_ids),
    }


def show_activation(said: SaidActivation) -> dict[str, Any]:
    """Return what is told of an activation."""
    activation = said.activation
    return {
        "id": event_of(said),
        "lead": said.lead,
        "model": activation.model,
        "model_version": activation.version,
        "cycle": activation.cycle,
        "points": activation.points / 1000,
        "at": format_instant(activation.at),
        "told_at": format_instant(said.told_at),
        "acts": list(activation.acts),
        "external_ids": _named(said.external_ids),
    }


def _named(external_ids: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"source": source, "id": identity} for source, identity in sorted(external_ids.items())]
