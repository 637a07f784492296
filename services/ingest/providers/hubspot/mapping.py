"""HubSpot's notifications and contacts, understood. Pure.

A notification carries ids and at most one property; a new contact has to be fetched, and one that was
deleted for privacy is erased here, too. A workflow and the CRM's API tell whole contacts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from services.ingest.domain.dialects.hooks import Errand, HookLead
from services.ingest.domain.intake import Refusal
from services.ingest.providers.moments import read_platform_moment
from services.ingest.providers.payloads import NOT_ABOUT_A_LEAD, read_object
from services.ingest.providers.values import id_of, object_of, present

NAME: Final = "hubspot"
CONTACT: Final = "hubspot.contact"
"""The kind of a whole contact, from a workflow or fetched."""

_CONTACTS: Final = frozenset({"0-1", "contact"})
_BOOKKEEPING: Final = frozenset(
    {
        *("createdate", "lastmodifieddate", "lastcontacted", "num_notes", "num_contacted_notes"),
        *("notes_last_contacted", "notes_last_updated", "notes_next_activity_date", "recent_deal_amount"),
        *("recent_deal_close_date", "days_to_close", "currentlyinworkflow", "followercount", "ip_city"),
        *("ip_country", "ip_country_code", "ip_state", "ip_state_code", "ip_latlon", "ip_zipcode"),
        *("first_conversion_date", "recent_conversion_date", "num_conversion_events", "hubspotscore"),
        *("num_unique_conversion_events", "associatedcompanyid", "hubspot_owner_id", "hubspot_team_id"),
        *("hubspot_owner_assigneddate", "first_deal_created_date", "num_associated_deals"),
    }
)


def read_notification(body: bytes) -> HookLead | Errand | Refusal:
    """Return what one event of an app's subscription says."""
    given = read_object(body)
    contact = id_of(given.get("objectId"))
    thing, _, change = str(given.get("subscriptionType")).partition(".")
    if thing == "object":
        thing = str(given.get("objectTypeId"))
    if thing not in _CONTACTS or contact is None:
        return NOT_ABOUT_A_LEAD
    message_id, occurred = message_id_of(given), read_platform_moment(given.get("occurredAt"))
    match change:
        case "creation" | "restore":
            return _errand("fetch_lead", contact, given)
        case "privacyDeletion":
            return _errand("erase", contact, given)
        case "propertyChange":
            fields = _told({str(given.get("propertyName")): given.get("propertyValue")})
            return HookLead(fields=fields, external_id=contact, message_id=message_id, occurred=occurred)
        case _:
            return NOT_ABOUT_A_LEAD


def read_contact(body: bytes) -> HookLead | Refusal:
    """Return what a whole contact says, as the CRM's API or a workflow writes it."""
    given = read_object(body)
    contact = contact_id_of(given)
    if contact is None or not isinstance(given.get("properties"), dict):
        return NOT_ABOUT_A_LEAD
    return HookLead(
        fields=_told(given["properties"]),
        external_id=contact,
        message_id=message_id_of(given),
        occurred=read_platform_moment(given.get("updatedAt")),
    )


def kind_of(given: Mapping[str, Any]) -> str:
    """Return whether this is a notification or a whole contact."""
    return CONTACT if "properties" in given and "subscriptionType" not in given else NAME


def contact_id_of(given: Mapping[str, Any]) -> str | None:
    """Return HubSpot's own id of a contact: ``id`` with the CRM's API, ``vid`` with workflows."""
    return id_of(given.get("vid")) or id_of(given.get("id")) or id_of(given.get("objectId"))


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever it is told again.

    An event's id alone is not promised to be one of a kind; a contact is the same until it is changed.
    """
    parts: list[object]
    if kind_of(given) == CONTACT:
        changed = given.get("updatedAt") or _value(object_of(given["properties"]).get("lastmodifieddate"))
        parts = [contact_id_of(given), changed]
    else:
        names = ("portalId", "subscriptionId", "objectId", "eventId", "occurredAt")
        parts = [given.get(name) for name in names]
    ids = [id_of(part) for part in parts]
    return None if None in ids else "-".join([NAME, *filter(None, ids)])


def _errand(what: Literal["fetch_lead", "erase"], contact: str, given: Mapping[str, Any]) -> Errand:
    return Errand(
        provider=NAME,
        what=what,
        external_id=contact,
        message_id=message_id_of(given),
        account=id_of(given.get("portalId")) or "",
        occurred=read_platform_moment(given.get("occurredAt")),
    )


def _told(properties: Mapping[str, Any]) -> dict[str, object]:
    """Return what properties say of the person; those that HubSpot keeps for itself say nothing."""
    return present(
        (name, _value(given))
        for name, given in properties.items()
        if not name.startswith("hs_") and name not in _BOOKKEEPING
    )


def _value(given: object) -> object:
    """Return a property's value; a workflow wraps each in an object."""
    return given.get("value") if isinstance(given, dict) else given
