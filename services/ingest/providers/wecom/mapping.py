"""What WeCom (企业微信) tells of customers, understood. Pure.

A customer is known by their external_userid, which is an id of this one company. The ``state`` of a
contact code (渠道活码) is a campaign. Messages between staff are about no lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.dialects.hooks import Errand, HookLead
from services.ingest.domain.intake import Refusal
from services.ingest.providers.callbacks.xml import read_xml
from services.ingest.providers.moments import read_platform_moment
from services.ingest.providers.payloads import NOT_ABOUT_A_LEAD, read_object
from services.ingest.providers.values import id_of, object_of, objects_of, present
from shared.kernel.ids import deterministic_id

NAME: Final = "wecom"
FETCH: Final = "wecom.fetch"
"""The kind of a callback that asks for what is known of the customer."""

CONTACT: Final = "wecom.contact"
"""The kind of what was fetched about a customer."""

ADDED: Final = "Contact Added"

_COMES: Final = frozenset({"add_external_contact", "add_half_external_contact"})
_GOES: Final = frozenset({"del_follow_user"})
_GENDERS: Final = {"1": "male", "2": "female"}


def read_change(body: bytes) -> HookLead | Refusal:
    """Return what one callback, in the clear, says of a customer."""
    told = read_xml(body)
    customer, change = customer_of(told), told.get("ChangeType")
    if customer is None:
        return NOT_ABOUT_A_LEAD
    if change in _COMES:
        state = told.get("State", "")
        return HookLead(
            fields=present({"wecom_contact": told.get("UserID")}),
            personal_id=customer,
            message_id=message_id_of(told),
            occurred=read_platform_moment(told.get("CreateTime")),
            act=(ADDED, {"channel_code": state}),
            channel="social",
            campaign=state or None,
        )
    if change in _GOES:
        return HookLead(
            personal_id=customer,
            message_id=message_id_of(told),
            occurred=read_platform_moment(told.get("CreateTime")),
            act=("Unsubscribed", {"delivery_channel": NAME}),
        )
    return NOT_ABOUT_A_LEAD


def read_errand(body: bytes) -> Errand | Refusal:
    """Return the errand to ask WeCom what is known of the customer whom a callback names."""
    told = read_xml(body)
    customer = customer_of(told)
    if customer is None:
        return NOT_ABOUT_A_LEAD
    return Errand(
        provider=NAME,
        what="fetch_lead",
        external_id=customer,
        message_id=f"{message_id_of(told)}-contact",
        occurred=read_platform_moment(told.get("CreateTime")),
    )


def read_contact(body: bytes) -> HookLead | Refusal:
    """Return what was answered about a customer: who they are, and what staff noted."""
    given = read_object(body)
    contact = object_of(given.get("external_contact"))
    customer = id_of(contact.get("external_userid"))
    if customer is None:
        return NOT_ABOUT_A_LEAD
    noted: dict[str, object] = {}
    for follower in objects_of(given.get("follow_user")):
        phones = follower.get("remark_mobiles")
        for name, value in (
            ("phone", phones[0] if isinstance(phones, list) and phones else None),
            ("company_name", follower.get("remark_corp_name")),
        ):
            if value:
                noted.setdefault(name, value)
    fields: dict[str, object] = {
        "name": contact.get("name"),
        "title": contact.get("position"),
        "company_name": contact.get("corp_full_name") or contact.get("corp_name"),
        "gender": _GENDERS.get(id_of(contact.get("gender")) or ""),
    }
    return HookLead(fields={**noted, **present(fields)}, personal_id=customer, region="CN")


def customer_of(told: Mapping[str, str]) -> str | None:
    """Return the customer whom a callback is about, None if it is about none."""
    return told.get("ExternalUserID") or None if told.get("Event") == "change_external_contact" else None


def has_come(told: Mapping[str, str]) -> bool:
    """Return whether a callback tells of a customer who is new or back."""
    return customer_of(told) is not None and told.get("ChangeType") in _COMES


def message_id_of(told: Mapping[str, str]) -> str:
    """Return what is the same whenever the platform tells it again."""
    names = ("ExternalUserID", "FromUserName", "UserID", "Event", "ChangeType", "CreateTime", "MsgId")
    return f"{NAME}-{deterministic_id(*(told.get(name, '') for name in names))}"
