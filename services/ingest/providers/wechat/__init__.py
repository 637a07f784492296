"""WeChat official accounts (公众号): who follows, scans a channel code, writes."""

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
    SignatureMissing,
    key_of,
)
from services.ingest.providers.wechat.mapping import NAME, message_id_of, read_message

_APP: Final = "app_id"


def _greet(delivery: Delivery, secrets: Secrets) -> Reply | None:
    """The platform asks once, when the address is set, whether we know the token."""
    echo = delivery.parameter("echostr") if echo_of(delivery) is not None else None
    if echo is None:
        return None
    require_signed(delivery, secrets, parameter="signature")
    return Reply(200, echo.encode(), "text/plain; charset=utf-8")


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    """In the clear only the address is signed, so a source that has a key takes sealed messages only."""
    if _is_sealed(delivery):
        sealed = read_callback(delivery.body).get("Encrypt", "")
        require_signed(delivery, secrets, parameter="msg_signature", content=sealed)
    elif secrets.get(AES_KEY) is not None:
        raise SignatureMissing("the message is not sealed; choose the secure mode (安全模式) at the platform")
    else:
        require_signed(delivery, secrets, parameter="signature")


def _split(delivery: Delivery, secrets: Secrets) -> Sequence[HookItem]:
    body = delivery.body
    if _is_sealed(delivery):
        sealed = read_callback(body).get("Encrypt", "")
        body = open_sealed(sealed, secrets, receive_id=secrets.need(_APP))
    told = read_callback(body)
    key = key_of(external=told.get("FromUserName"))
    return [HookItem(NAME, body, message_id_of(told), key, names_person=True)]


def _is_sealed(delivery: Delivery) -> bool:
    return delivery.parameter("encrypt_type") == "aes"


WECHAT: Final = Provider(
    name=NAME,
    title="WeChat official account (微信公众号)",
    secrets=(
        SecretName(TOKEN, "the token (令牌) that you typed beside the server address, 3 to 32 characters"),
        SecretName(AES_KEY, "the EncodingAESKey, 43 characters, of the secure mode", is_optional=True),
        SecretName(
            _APP,
            "the account's AppID, which sealed messages are addressed to; needed with an encoding_aes_key",
            is_optional=True,
            is_secret=False,
        ),
    ),
    steps=(
        "Sign in at mp.weixin.qq.com and open “设置与开发”, “基本配置”, “服务器配置”.",
        "Paste {address} as URL, type the same token, let it make an EncodingAESKey, choose “安全模式”.",
        "Press “提交”: it asks this address at once, and says “Token 验证失败” if the token differs.",
        "Make channel codes with a parameter (带参数二维码): the parameter is the campaign.",
    ),
    greet=_greet,
    verify=_verify,
    split=_split,
    accepted=ACCEPTED,
    refuse=refuse_in_words,
    readers={NAME: read_message},
)
