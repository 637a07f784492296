"""Operations of the OpenAPI document, route by route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from services.ingest.api.documentation import calls, native
from services.ingest.api.documentation.calls import CALLS, BatchItem, BatchOfCalls, Success
from services.ingest.api.documentation.native import (
    Accepted,
    AcceptedMany,
    BehaviourMessage,
    CloudEventMessage,
    CostMessage,
    FoundLeads,
    Lead,
    OutcomeMessage,
)
from shared.http.hot_routes import ACCESS_TOKEN, WRITE_KEY, schema_of
from shared.http.problems import PROBLEM_JSON, Problem

Operation = Mapping[str, Any]

TAGS: Final = {"sdk": ["SDK protocol"], "native": ["native"], "leads": ["leads"]}

SDK_SCHEMAS: Final = (*CALLS.values(), BatchItem, BatchOfCalls, Success)
"""What operations of the SDK protocol refer to."""

NATIVE_SCHEMAS: Final = (
    *(Accepted, AcceptedMany, BehaviourMessage, CloudEventMessage, CostMessage, Lead, OutcomeMessage),
)
"""What operations of the native API refer to."""

_JSON: Final = "application/json"
_REFUSALS: Final[Mapping[int, str]] = {
    400: "Cannot be read as it is; `field` and `message` say what to correct",
    401: "No source has this write key; a sample is kept for whoever set it up",
    403: "The write key opens other doors only",
    404: "There is nothing of that name",
    408: "The body did not arrive in time",
    409: "The first request with this Idempotency-Key is under way; ask again after Retry-After",
    413: "Larger than an address takes, as sent or unpacked: 4 MiB",
    415: "Packed or written in a way that is not read here",
    422: "This Idempotency-Key named another request before",
    429: "Faster than was agreed for this write key; wait as long as Retry-After says",
    503: "Cannot be kept now; nothing is lost, send it again after Retry-After",
}
_WAITING: Final = frozenset({409, 429, 503})
_ALWAYS: Final = (400, 401, 403, 408, 413, 415, 429, 503)
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Whole seconds", "schema": {"type": "integer", "minimum": 1}}
}
_ANY_BODY: Final = "Plain, or gzip by its header or first bytes; in one piece or chunked; whatever its type."


def refusals(statuses: Sequence[int], *, media: str = PROBLEM_JSON) -> dict[str, Any]:
    """Return what is answered with these statuses: one body for all of them."""
    return {
        str(status): {
            "description": _REFUSALS[status],
            "content": {media: {"schema": schema_of(Problem)}},
            **({"headers": _RETRY_AFTER} if status in _WAITING else {}),
        }
        for status in statuses
    }


def _content(schema: Any, example: object = None) -> dict[str, Any]:
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def _answer(schema: Any, example: object, *, description: str = "Kept for good") -> dict[str, Any]:
    return {"description": description, "content": {_JSON: _content(schema, example)}}


def call_operation(call: str) -> Operation:
    """Return the operation of one call of the SDK protocol."""
    return _sdk_operation(f"One {call} call", CALLS[call], calls.EXAMPLES[call])


def batch_operation(summary: str = "Many calls at once") -> Operation:
    """Return the operation of a batch of the SDK protocol."""
    batch = [{"type": call, **calls.EXAMPLES[call]} for call in ("identify", "track")]
    return _sdk_operation(summary, BatchOfCalls, {"batch": batch, "sentAt": "2026-03-02T09:30:01.000Z"})


def _sdk_operation(summary: str, body: type, example: object) -> Operation:
    return {
        "summary": summary,
        "description": _ANY_BODY,
        "tags": TAGS["sdk"],
        "security": list(WRITE_KEY),
        "requestBody": {"required": True, "content": {_JSON: _content(schema_of(body), example)}},
        "responses": {
            "200": _answer(schema_of(Success), {"success": True}),
            **refusals(_ALWAYS, media=_JSON),
        },
    }


def pixel_operation(call: str) -> Operation:
    """Return the operation of a picture whose query is a call."""
    names = ("writeKey", "anonymousId", "userId", "messageId", "event", "properties.path")
    picture = {"image/gif": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "summary": f"A picture whose query is a {call} call",
        "description": "The picture always comes: a page has nothing to show a refusal with.",
        "tags": TAGS["sdk"],
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in names
        ],
        "responses": {
            "200": {"description": "One transparent point", "content": picture},
            **refusals((503,), media=_JSON),
        },
    }


METRICS_OPERATION: Final[Operation] = {
    "summary": "A client's own measurements, which nobody keeps",
    "tags": TAGS["sdk"],
    "requestBody": {"content": {_JSON: {"schema": {"type": "object"}, "example": {"series": []}}}},
    "responses": {
        "200": _answer(schema_of(Success), {"success": True}, description="Heard"),
        **refusals((400, 408, 413, 415, 503), media=_JSON),
    },
}

SETTINGS_OPERATION: Final[Operation] = {
    "summary": "What a Segment client is to do: send everything here, and measure nothing",
    "tags": TAGS["sdk"],
    "responses": {
        "200": _answer(
            {
                "type": "object",
                "required": ["integrations", "plan", "metrics"],
                "properties": {
                    "integrations": {"type": "object"},
                    "plan": {"type": "object"},
                    "metrics": {"type": "object"},
                    "enabledMiddleware": {"type": "object"},
                    "remotePlugins": {"type": "array"},
                },
            },
            {"integrations": {"Segment.io": {"apiKey": "…"}}, "plan": {}, "metrics": {"sampleRate": 0}},
            description="The settings of a source; a key that nobody has gets them, too",
        )
    },
}

SOURCE_CONFIG_OPERATION: Final[Operation] = {
    "summary": "The same for a RudderStack client",
    "tags": TAGS["sdk"],
    "parameters": [{"name": "writeKey", "in": "query", "required": False, "schema": {"type": "string"}}],
    "responses": {
        "200": _answer(
            {"type": "object", "required": ["source"], "properties": {"source": {"type": "object"}}},
            {"source": {"id": "leadmill", "enabled": True, "destinations": []}},
            description="The configuration of a source",
        )
    },
}


def lead_operation(*, remembered: timedelta) -> Operation:
    """Return the operation of a native lead."""
    answer = _answer(schema_of(Accepted), {"success": True, "id": "5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f"})
    content = {_JSON: _content(schema_of(Lead), native.LEAD_EXAMPLE)}
    return _native_operation("One lead", content, answer, remembered)


def report_operation(summary: str, message: type, example: object, *, remembered: timedelta) -> Operation:
    """Return the operation of outcomes or costs."""
    answer = _answer(schema_of(AcceptedMany), {"success": True, "ids": ["5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f"]})
    content = {_JSON: _content(_one_or_many(message), example)}
    return _native_operation(summary, content, answer, remembered)


def outcome_operation(*, remembered: timedelta) -> Operation:
    """Return the operation of outcomes."""
    summary = "What became of an opportunity, or many in a batch"
    return report_operation(summary, OutcomeMessage, native.OUTCOME_EXAMPLE, remembered=remembered)


def cost_operation(*, remembered: timedelta) -> Operation:
    """Return the operation of costs."""
    summary = "What a campaign cost on a day, or many in a batch; said again it replaces"
    return report_operation(summary, CostMessage, native.COST_EXAMPLE, remembered=remembered)


def event_operation(*, remembered: timedelta) -> Operation:
    """Return the operation of native events and CloudEvents."""
    content = {
        _JSON: _content(_one_or_many(BehaviourMessage), native.EVENT_EXAMPLE),
        **_cloudevent_content(),
    }
    summary = "One thing that somebody did, many in a batch, or CloudEvents in any of their three modes"
    return _native_operation(summary, content, _one_or_many_kept(), remembered, parameters=_ce_headers())


def cloudevent_operation(*, remembered: timedelta) -> Operation:
    """Return the operation of the address that takes CloudEvents only."""
    binary = {_JSON: _content({}, native.CLOUDEVENT_EXAMPLE["data"])}
    return _native_operation(
        "CloudEvents in any of their three modes",
        {**binary, **_cloudevent_content()},
        _one_or_many_kept(),
        remembered,
        parameters=_ce_headers(),
    )


def search_operation() -> Operation:
    """Return the operation that finds leads."""
    return {
        "summary": "Leads by e-mail, by phone, or by source and external id",
        "tags": TAGS["leads"],
        "security": list(ACCESS_TOKEN),
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
            for name in ("email", "phone", "source", "external_id")
        ],
        "responses": {
            "200": {
                "description": "The leads that match",
                "content": {_JSON: {"schema": schema_of(FoundLeads)}},
            },
            **refusals((400, 503)),
            "401": {**refusals((401,))["401"], "description": "No token that works"},
            "403": {**refusals((403,))["403"], "description": "The token's role may not read leads"},
        },
    }


def _native_operation(
    summary: str,
    content: Mapping[str, Any],
    answer: Mapping[str, Any],
    remembered: timedelta,
    *,
    parameters: Sequence[Mapping[str, Any]] = (),
) -> Operation:
    hours = remembered // timedelta(hours=1)
    replayed = {
        "Idempotency-Replayed": {
            "description": "There, and true, if this answer was given before",
            "schema": {"type": "string", "enum": ["true"]},
        }
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "Names the request, at best by a UUID, in double quotes or bare; it belongs to the source and"
            f" this address. Sent again within {hours} hours, the request is answered as the first time."
        ),
        "schema": {"type": "string", "pattern": r'^("[ !#-\[\]-~]{1,250}"|[!#-~]{1,255})$'},
        "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    }
    return {
        "summary": summary,
        "description": "What cannot be read is refused; what cannot be used is kept in quarantine and named.",
        "tags": TAGS["native"],
        "security": list(WRITE_KEY),
        "parameters": [key, *parameters],
        "requestBody": {"required": True, "content": dict(content)},
        "responses": {"200": {**answer, "headers": replayed}, **refusals((*_ALWAYS, 409, 422))},
    }


def _one_or_many(message: type) -> dict[str, Any]:
    batch = {"type": "array", "items": schema_of(message), **native.MANY}
    many = {"type": "object", "required": ["batch"], "properties": {"batch": batch}}
    return {"anyOf": [schema_of(message), many]}


def _one_or_many_kept() -> dict[str, Any]:
    schema = {"anyOf": [schema_of(Accepted), schema_of(AcceptedMany)]}
    return _answer(schema, {"success": True, "id": "5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f"})


def _cloudevent_content() -> dict[str, Any]:
    event = {**schema_of(CloudEventMessage), "not": {"required": ["data", "data_base64"]}}
    return {
        "application/cloudevents+json": _content(event, native.CLOUDEVENT_EXAMPLE),
        "application/cloudevents-batch+json": _content(
            {"type": "array", "items": event, **native.MANY}, [native.CLOUDEVENT_EXAMPLE]
        ),
    }


def _ce_headers() -> list[dict[str, Any]]:
    about = "An attribute in binary mode; percent-encoded, quoted, or as it is"
    return [
        {
            "name": f"ce-{name}",
            "in": "header",
            "required": False,
            "description": about,
            "schema": {"type": "string"},
            "example": native.CLOUDEVENT_EXAMPLE[name],
        }
        for name in ("specversion", "id", "source", "type", "subject", "time")
    ]
