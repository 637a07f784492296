"""Every declared event: documented, frozen, shown by an example that keeps its own schema."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.contracts.declarations import DECLARED, Declaration
from shared.contracts.envelope import decode_envelope, decode_event, encode_event
from shared.contracts.events import DECLARATIONS, EXAMPLES
from shared.contracts.events.dead_letters import DeadLettered
from shared.contracts.events.outcomes import CostRecorded
from shared.contracts.events.raw import ClientInfo, RawReceived
from shared.contracts.events.tier_changes import CompanyTierChanged
from shared.contracts.example_records import examples_of
from shared.contracts.generation import HERE
from shared.contracts.topics import RAW, all_topics

EVERY_EVENT = pytest.mark.parametrize("each", DECLARATIONS, ids=lambda each: each.file_stem)
FILES = sorted((HERE / "examples").glob("*.json"))
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def fields_below(node: Any) -> list[tuple[str, Any]]:
    """List every name and value in a JSON document."""
    if isinstance(node, dict):
        return [*node.items(), *(found for value in node.values() for found in fields_below(value))]
    return [found for item in node for found in fields_below(item)] if isinstance(node, list) else []


class TestEveryEvent:
    @EVERY_EVENT
    def test_says_what_it_means(self, each: Declaration) -> None:
        assert each.struct.__doc__ is not None
        assert len(each.struct.__doc__) > 40
        assert each.struct.__doc__ not in {base.__doc__ for base in each.struct.__bases__}

    @EVERY_EVENT
    def test_is_named_in_snake_case_as_its_struct(self, each: Declaration) -> None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", each.struct.__name__).lower()
        assert each.name == re.sub(r"_v\d+$", "", name)

    @EVERY_EVENT
    def test_is_frozen_and_tells_nobody_to_break_on_new_fields(self, each: Declaration) -> None:
        config = each.struct.__struct_config__
        assert config.frozen
        assert not config.gc
        assert config.omit_defaults
        assert not config.forbid_unknown_fields

    @EVERY_EVENT
    def test_lies_on_a_topic_of_the_registry(self, each: Declaration) -> None:
        assert each.topics
        assert set(each.topics) <= set(all_topics())

    @EVERY_EVENT
    def test_has_an_example(self, each: Declaration) -> None:
        assert examples_of(each)

    @EVERY_EVENT
    def test_names_what_it_is_about(self, each: Declaration) -> None:
        if each.struct not in {RawReceived, DeadLettered}:
            others = {CostRecorded: "campaign", CompanyTierChanged: "company"}
            subject = others.get(each.struct, "lead")
            assert subject in each.struct.__struct_fields__


class TestEveryExample:
    def test_belongs_to_a_declared_event(self) -> None:
        assert {type(event) for event in EXAMPLES} == {each.struct for each in DECLARATIONS}

    @EVERY_FILE
    def test_reads_back_and_is_written_the_same_again(self, path: Path) -> None:
        record = path.read_bytes()
        envelope = decode_envelope(record)
        again = encode_event(
            decode_event(envelope),
            id=envelope.id,
            source=envelope.source,
            subject=envelope.subject,
            occurred=envelope.occurred,
            received=envelope.received,
            partition_key=envelope.partitionkey,
            causation_id=envelope.causationid,
            correlation_id=envelope.correlationid,
            traceparent=envelope.traceparent,
        )
        assert json.loads(again) == json.loads(record)

    @EVERY_FILE
    def test_holds_nothing_that_its_schema_does_not_name(self, path: Path) -> None:
        record = json.loads(path.read_text())
        declaration = DECLARED.of_type(record["type"])
        assert record["data"].keys() <= set(declaration.struct.__struct_fields__)
        schema = json.loads((HERE / "schemas" / f"{declaration.file_stem}.json").read_text())
        assert set(schema["required"]) <= record["data"].keys() <= schema["properties"].keys()

    @EVERY_FILE
    def test_has_no_personal_data_outside_contacts_raw_and_dead_letters(self, path: Path) -> None:
        record = json.loads(path.read_text())
        if any(topic.personal_data for topic in DECLARED.of_type(record["type"]).topics):
            return
        for name, value in fields_below(record["data"]):
            assert name not in {"email", "phone", "ip", "free_text", "company_name", "user_agent"}
            assert "@" not in str(value)
            assert not re.search(r"\+\d{8,}", str(value))


class TestRawReceived:
    def test_carries_bytes_that_are_no_text_untouched(self) -> None:
        event = RawReceived(source="fair", channel="form", kind="form", body_base64=b"\xc9\xe8\x00")
        assert event.content == b"\xc9\xe8\x00"
        assert msgspec.json.decode(msgspec.json.encode(event))["body_base64"] == "yegA"
        assert msgspec.json.decode(msgspec.json.encode(event), type=RawReceived) == event

    def test_carries_text_as_it_came(self) -> None:
        event = RawReceived(source="fair", channel="lead", kind="lead", body='{ "name":"赵" }')
        assert event.content == '{ "name":"赵" }'.encode()

    def test_keeps_an_empty_body(self) -> None:
        assert RawReceived(source="fair", channel="form", kind="form", body="").content == b""

    @pytest.mark.parametrize("bodies", [{}, {"body": "", "body_base64": b""}])
    def test_has_exactly_one_body(self, bodies: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="exactly one"):
            RawReceived(source="fair", channel="form", kind="form", **bodies)

    def test_without_a_body_is_malformed_when_read(self) -> None:
        with pytest.raises(Exception, match="exactly one") as rejected:
            DECLARED.decode("leadmill.raw_received.v1", b'{"source":"fair","channel":"form","kind":"form"}')
        assert getattr(rejected.value, "reason", None) == "contract.malformed"

    def test_says_nothing_of_a_client_that_said_nothing(self) -> None:
        event = RawReceived(source="fair", channel="form", kind="form", body="a=1")
        assert event.client == ClientInfo()
        assert b"client" not in msgspec.json.encode(event)


class TestDeadLettered:
    def test_gives_the_bytes_of_the_failed_record_back_untouched(self) -> None:
        moment = decode_envelope((HERE / "examples" / "dead_lettered.v1.json").read_bytes()).time
        event = DeadLettered(
            code="contract.malformed",
            error_type="Malformed",
            topic=RAW.name,
            partition=1,
            offset=2,
            key=b"\x00\xff",
            value=bytes(range(256)),
            headers=[("sequence", b"ingest:1"), ("sequence", b"\xfe")],
            timestamp=3,
            group="ingest",
            attempts=1,
            first_failed=moment,
            last_failed=moment,
            code_version="0.1.0",
        )
        assert msgspec.json.decode(msgspec.json.encode(event), type=DeadLettered) == event

    def test_tells_a_tombstone_from_an_empty_value(self) -> None:
        example = next(event for event in EXAMPLES if isinstance(event, DeadLettered))
        for value in (None, b""):
            event = msgspec.structs.replace(example, value=value)
            assert msgspec.json.decode(msgspec.json.encode(event), type=DeadLettered).value == value
