"""WeCom (企业微信): customers who add staff, by a channel code or without, and who leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.providers.callbacks.opening import (
    ACCEPTED,
    AES_KEY,
    TOKEN,
    echo_of,
    open_sealed,
    read_callback,
    refuse_in_words,
    require_signed,
)
from services.ingest.providers.port import (
    Delivery,
    HookItem,
    Provider,
    Reply,
    SecretName,
    Secrets,
    key_of,
)
from services.ingest.providers.wecom.client import build_client
from services.ingest.providers.wecom.mapping import (
    CONTACT,
    FETCH,
    MESSAGE,
    NAME,
    customer_of,
    has_come,
    is_only_a_bell,
    message_id_of,
    read_change,
    read_contact,
    read_errand,
    read_message,
)

_CORP: Final = "corp_id"
_CORP_SECRET: Final = "corp_secret"  # noqa: S105 - the name of one


def _greet(delivery: Delivery, secrets: Secrets) -> Reply | None:
    """The platform asks when the address is set whether we can open a seal; it wants the bare text."""
    echo = echo_of(delivery)
    if echo is None:
        return None
    require_signed(delivery, secrets, parameter="msg_signature", content=echo)
    opened = open_sealed(echo, secrets, receive_id=secrets.need(_CORP))
    return Reply(200, opened, "text/plain; charset=utf-8")


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    sealed = read_callback(delivery.body).get("Encrypt", "")
    require_signed(delivery, secrets, parameter="msg_signature", content=sealed)


def _split(delivery: Delivery, secrets: Secrets) -> Sequence[HookItem]:
    sealed = read_callback(delivery.body).get("Encrypt", "")
    body = open_sealed(sealed, secrets, receive_id=secrets.need(_CORP))
    told = read_callback(body)
    if is_only_a_bell(told):
        return []
    message_id, key = message_id_of(told), key_of(external=customer_of(told))
    items = [HookItem(NAME, body, message_id, key, names_person=True)]
    if has_come(told) and secrets.get(_CORP_SECRET) is not None:
        items.append(HookItem(FETCH, body, message_id, key, names_person=True))
    return items


WECOM: Final = Provider(
    name=NAME,
    title="WeCom (企业微信)",
    secrets=(
        SecretName(TOKEN, "the Token shown beside the callback address"),
        SecretName(AES_KEY, "the EncodingAESKey shown beside the callback address, 43 characters"),
        SecretName(_CORP, "the company's id (企业ID, ww…), which messages are addressed to", is_secret=False),
        SecretName(
            _CORP_SECRET,
            "the Secret of “客户联系”, or of an application that may call it: names are then fetched",
            is_optional=True,
        ),
        SecretName(
            "api_address",
            "WeCom's API, if it is not https://qyapi.weixin.qq.com",
            is_optional=True,
            is_secret=False,
        ),
    ),
    steps=(
        "Sign in at work.weixin.qq.com and open “客户与上下游”, “客户联系”, “API”, “接收事件服务器”.",
        "Paste {address} as URL, and copy the Token and the EncodingAESKey that it makes.",
        "Press “保存”: it asks this address at once, and keeps nothing if the answer is wrong.",
        "Make contact codes (联系我) with a state of at most 30 characters: the state is the campaign.",
    ),
    greet=_greet,
    verify=_verify,
    split=_split,
    accepted=ACCEPTED,
    refuse=refuse_in_words,
    readers={NAME: read_change, FETCH: read_errand, CONTACT: read_contact, MESSAGE: read_message},
    client=build_client,
)
