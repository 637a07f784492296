"""Callbacks of WeChat and WeCom: whether they are genuine, and what is inside."""

from __future__ import annotations

from typing import Final

from services.ingest.providers.callbacks.seals import SealBroken, open_seal
from services.ingest.providers.callbacks.xml import XmlUnreadable, read_xml
from services.ingest.providers.port import Delivery, DeliveryUnreadable, Reply, Secrets
from services.ingest.providers.signatures import require_signature, sha1_of_sorted
from shared.kernel.errors import Verdict

TOKEN: Final = "token"  # noqa: S105 - the name of a secret
AES_KEY: Final = "encoding_aes_key"

ACCEPTED: Final = Reply(200, b"success", "text/plain; charset=utf-8")


def read_callback(body: bytes) -> dict[str, str]:
    """Return the texts of a callback. :raises DeliveryUnreadable: if it is no XML that is safe to read."""
    try:
        return read_xml(body)
    except XmlUnreadable:
        raise DeliveryUnreadable from None


def require_signed(
    delivery: Delivery, secrets: Secrets, *, parameter: str, content: str | None = None
) -> None:
    """Return if the query carries the signature of token, timestamp, nonce, and ``content`` if there is any.

    :raises SignatureMissing: if it carries none.
    :raises SignatureInvalid: if it is another one.
    """
    parts = [secrets.need(TOKEN), delivery.parameter("timestamp") or "", delivery.parameter("nonce") or ""]
    if content is not None:
        parts.append(content)
    require_signature(delivery.parameter(parameter), sha1_of_sorted(*parts))


def open_sealed(sealed: str, secrets: Secrets, *, receive_id: str) -> bytes:
    """Return what is inside a seal whose signature was checked.

    :raises DeliveryUnreadable: if the key or the account's id that we were given does not open it.
    """
    try:
        return open_seal(sealed, encoding_aes_key=secrets.need(AES_KEY), receive_id=receive_id)
    except SealBroken as broken:
        raise DeliveryUnreadable(
            f"the sealed message is {broken}; compare encoding_aes_key and the account's id"
        ) from None


def echo_of(delivery: Delivery) -> str | None:
    """Return the text that a platform wants to see again, None if this is no such request.

    It is base64 in WeCom; a plus sign that was not escaped arrives as a blank.
    """
    echo = delivery.parameter("echostr") if delivery.method == "GET" else None
    return None if echo is None else echo.replace(" ", "+")


def refuse_in_words(verdict: Verdict, status: int) -> Reply:
    """Answer with the code alone: whoever sets the platform up sees that it failed, and finds why here."""
    return Reply(status, verdict.reason.encode(), "text/plain; charset=utf-8")
