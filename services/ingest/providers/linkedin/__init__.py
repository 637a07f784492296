"""LinkedIn Lead Sync."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.ingest.providers.linkedin.client import build_client
from services.ingest.providers.linkedin.mapping import (
    LEAD,
    NOTICE,
    UNSIGNED,
    notice_id_of,
    read_lead,
    read_notice,
    read_unsigned_notice,
    tail_of,
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
from services.ingest.providers.signatures import hmac_hex, require_signature
from services.ingest.providers.values import digest_of, read_object

_PREFIX: Final = b"hmacsha256="
_SIGNATURE: Final = "x-li-signature"


def _greet(delivery: Delivery, secrets: Secrets) -> Reply | None:
    """Answer the challenge, which comes again every two hours."""
    code = delivery.parameter("challengeCode")
    if delivery.method != "GET" or code is None:
        return None
    proof = hmac_hex(secrets.need("client_secret"), code.encode())
    return Reply(200, msgspec.json.encode({"challengeCode": code, "challengeResponse": proof}))


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    """Verify ``X-LI-Signature`` if it is there; a source may demand that it is."""
    given = delivery.header(_SIGNATURE)
    if given is None and not secrets.is_on("require_signature"):
        return
    require_signature(given, hmac_hex(secrets.need("client_secret"), _PREFIX + delivery.body))


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    given = read_object(delivery.body)
    message_id = notice_id_of(given) or f"{NOTICE}-{digest_of(delivery.body)}"
    kind = UNSIGNED if delivery.header(_SIGNATURE) is None else NOTICE
    key = key_of(external=tail_of(given.get("leadGenFormResponse")))
    return [HookItem(kind, delivery.body, message_id, key)]


LINKEDIN: Final = Provider(
    name="linkedin",
    title="LinkedIn Lead Sync",
    secrets=(
        SecretName("client_secret", "the client secret of your LinkedIn app, under Auth"),
        SecretName("access_token", "a token with r_marketing_leadgen_automation"),
        SecretName(
            "owners",
            "whose lists are looked through: urn:li:sponsoredAccount:… or urn:li:organization:…, by comma",
            is_optional=True,
            is_secret=False,
        ),
        SecretName(
            "require_signature",
            "yes to refuse what is not signed; see first whether LinkedIn signs what it sends you",
            is_optional=True,
            is_secret=False,
        ),
        SecretName(
            "api_version", "the version of the API, if it is not 202606", is_optional=True, is_secret=False
        ),
        SecretName(
            "api_address",
            "the API, if it is not https://api.linkedin.com/rest",
            is_optional=True,
            is_secret=False,
        ),
    ),
    steps=(
        "In your LinkedIn app, under Webhooks, add {address}; LinkedIn asks at once, and every two hours.",
        "Subscribe: POST /rest/leadNotifications with webhook {address}, the owner, and its leadType.",
        "Generate a test lead in Campaign Manager; `leadmill quarantine list` shows intake.test_lead.",
    ),
    greet=_greet,
    verify=_verify,
    split=_split,
    readers={NOTICE: read_notice, UNSIGNED: read_unsigned_notice, LEAD: read_lead},
    client=build_client,
)
