"""Calendly's bookings, understood. Pure.

A booking is a meeting that somebody asked for; moving one is a cancellation and a new booking, which
Calendly marks, and counts as neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.intake import Refusal
from services.ingest.domain.moments import read_moment
from services.ingest.providers.answers import read_answers
from services.ingest.providers.payloads import NOT_ABOUT_A_LEAD, read_object
from services.ingest.providers.values import object_of, present

NAME: Final = "calendly"

BOOKED: Final = "Meeting Booked"
MOVED: Final = "Meeting Moved"
CANCELLED: Final = "Meeting Cancelled"

_UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def read_booking(body: bytes) -> HookLead | Refusal:
    """Return what one notification says of the person who booked."""
    given = read_object(body)
    invitee = object_of(given.get("payload"))
    act = _act(str(given.get("event")), invitee)
    if act is None:
        return NOT_ABOUT_A_LEAD
    tracking = object_of(invitee.get("tracking"))
    fields: dict[str, object] = {
        **read_answers(invitee.get("questions_and_answers")),
        **{name: invitee.get(name) for name in ("email", "name", "first_name", "last_name")},
        "phone": invitee.get("text_reminder_number"),
        "time_zone": invitee.get("timezone"),
    }
    if act[0] == BOOKED:
        fields.update({name: tracking.get(name) for name in _UTM})
    return HookLead(
        fields=present(fields),
        message_id=message_id_of(given),
        occurred=read_moment(given.get("created_at")),
        act=act,
    )


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever a notification comes again: the invitee's address, and the event."""
    address = clean_text(object_of(given.get("payload")).get("uri"))
    return None if address is None else f"{NAME}-{address.rpartition('/')[2]}-{given.get('event')}"


def _act(event: str, invitee: Mapping[str, Any]) -> tuple[str, dict[str, object]] | None:
    name = clean_text(object_of(invitee.get("scheduled_event")).get("name"))
    properties: dict[str, object] = {"meeting": name or ""}
    match event:
        case "invitee.created":
            return (MOVED if invitee.get("old_invitee") else BOOKED), properties
        case "invitee.canceled" if invitee.get("rescheduled"):
            return None
        case "invitee.canceled":
            return CANCELLED, properties
        case _:
            return None
