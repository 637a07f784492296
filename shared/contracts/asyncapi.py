"""The AsyncAPI 3 document of all topics, made from the registries."""

from __future__ import annotations

from inspect import getdoc
from typing import Any, Final

import msgspec

from shared.contracts.declarations import Declaration
from shared.contracts.envelope import CONTENT_TYPE, Envelope
from shared.contracts.events import DECLARATIONS
from shared.contracts.example_records import records_of
from shared.contracts.json_schema import Schema, components_of
from shared.contracts.topics import DEFAULT_PARTITIONS, SERVICES, Topic, all_topics

_MEDIA_TYPE: Final = CONTENT_TYPE.decode()
_BINDING_VERSION: Final = "0.5.0"
_SCHEMAS: Final = "#/components/schemas/"
_HEADERS: Final[Schema] = {
    "type": "object",
    "required": ["content-type", "sequence"],
    "properties": {
        "content-type": {"type": "string", "const": _MEDIA_TYPE},
        "sequence": {
            "type": "string",
            "description": "<producer>:<number>, dense per producer and partition; what was seen is dropped",
        },
        "traceparent": {"type": "string", "description": "W3C trace context, if there is one"},
    },
}
_INTRODUCTION: Final = """\
Every record is one CloudEvents 1.0 event in structured mode: the value is the whole event as JSON.
Order holds per key within a topic, never across topics. A key's partition is CRC-32 of the key modulo
the count. Readers ignore fields that they do not know; within a version only optional fields are added.
A record without a value on a compacted topic erases what the key stood for."""


def document() -> dict[str, Any]:
    """Return the document: channels, operations per service, messages and schemas."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Leadmill topics",
            "version": "1.0.0",
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _MEDIA_TYPE,
        "channels": {topic.short_name: _channel(topic) for topic in all_topics()},
        "operations": dict(_operations()),
        "components": {
            "messages": {declaration.file_stem: _message(declaration) for declaration in DECLARATIONS},
            "schemas": _schemas(DECLARATIONS),
        },
    }


def _declared_on(topic: Topic) -> list[Declaration]:
    return [declaration for declaration in DECLARATIONS if topic in declaration.topics]


def _channel(topic: Topic) -> dict[str, Any]:
    policy: dict[str, Any] = {
        "cleanup.policy": ["compact" if topic.compacted else "delete"],
        "retention.ms": -1 if topic.retention_ms is None else topic.retention_ms,
    }
    return {
        "address": topic.name,
        "title": topic.short_name,
        "summary": topic.summary,
        "messages": {
            declaration.file_stem: {"$ref": f"#/components/messages/{declaration.file_stem}"}
            for declaration in _declared_on(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partition_count(DEFAULT_PARTITIONS),
                "topicConfiguration": policy,
                "bindingVersion": _BINDING_VERSION,
            }
        },
        "x-owner": topic.owner,
        "x-key": topic.key,
        "x-personal-data": topic.personal_data,
        "x-co-partitioned": topic.co_partitioned,
    }


def _operations() -> list[tuple[str, dict[str, Any]]]:
    """List what each service writes and reads, service by service."""
    operations = []
    for service in SERVICES:
        for topic in all_topics():
            for action, verb, services in (
                ("send", "writes", topic.producers),
                ("receive", "reads", topic.consumers),
            ):
                if service in services:
                    operations.append(
                        (
                            f"{service}.{action}.{topic.short_name}",
                            {
                                "action": action,
                                "channel": {"$ref": f"#/channels/{topic.short_name}"},
                                "summary": f"{service} {verb} {topic.name}",
                            },
                        )
                    )
    return operations


def _message(declaration: Declaration) -> dict[str, Any]:
    description = getdoc(declaration.struct) or ""
    return {
        "name": declaration.type,
        "title": declaration.struct.__name__,
        "summary": description.splitlines()[0],
        "description": description,
        "contentType": _MEDIA_TYPE,
        "headers": {"$ref": f"{_SCHEMAS}RecordHeaders"},
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": {
            "allOf": [
                {"$ref": f"{_SCHEMAS}Envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": declaration.type},
                        "data": {"$ref": f"{_SCHEMAS}{declaration.struct.__name__}"},
                    },
                },
            ]
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": declaration.topics[0].key},
                "bindingVersion": _BINDING_VERSION,
            }
        },
        "examples": [
            {"name": f"{declaration.file_stem}-{number}", "payload": msgspec.json.decode(record)}
            for number, record in enumerate(records_of(declaration), start=1)
        ],
    }


def _schemas(declarations: tuple[Declaration, ...]) -> dict[str, Schema]:
    structs: list[type] = [Envelope, *(declaration.struct for declaration in declarations)]
    components: dict[str, Schema] = _in_draft_7(components_of(structs, ref_template=_SCHEMAS + "{name}"))
    return {"RecordHeaders": _HEADERS, **components}


def _in_draft_7(node: Any) -> Any:
    """Rewrite tuples: AsyncAPI's own dialect is draft 7, which spells ``prefixItems`` as ``items``."""
    if isinstance(node, list):
        return [_in_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    rewritten = {key: _in_draft_7(value) for key, value in node.items()}
    if "prefixItems" in rewritten:
        rewritten["items"] = rewritten.pop("prefixItems")
    return rewritten
