"""The envelope: what is written is CloudEvents 1.0, what is read back is what was written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.declarations import Event
from shared.contracts.envelope import (
    CONTENT_TYPE,
    Malformed,
    UnknownType,
    decode_envelope,
    decode_event,
    encode_event,
    event_id,
    source_of,
    type_of,
)
from shared.contracts.events.behaviour import PageViewed
from shared.contracts.events.raw import RawReceived
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, parse_instant

OCCURRED = parse_instant("2026-03-02T09:30:00.123456Z")
RECEIVED = parse_instant("2026-03-02T09:30:01Z")
PAGE = PageViewed(lead="lead-1", profile="profile-1", source="website", path="/pricing", kind="price")


def a_record(
    event: Event = PAGE,
    *,
    occurred: Instant = OCCURRED,
    received: Instant = RECEIVED,
    causation_id: str | None = "cause",
    traceparent: str | None = None,
) -> bytes:
    return encode_event(
        event,
        id="id-1",
        source=source_of("ingest"),
        subject="lead-1",
        occurred=occurred,
        received=received,
        partition_key="profile-1",
        causation_id=causation_id,
        correlation_id="first",
        traceparent=traceparent,
    )


def with_attribute(name: str, value: Any) -> bytes:
    return json.dumps({**json.loads(a_record()), name: value}).encode()


def with_data(**changed: Any) -> bytes:
    record = json.loads(a_record())
    return json.dumps({**record, "data": {**record["data"], **changed}}).encode()


class TestARecord:
    def test_is_a_cloud_event_in_structured_mode(self) -> None:
        assert json.loads(a_record(traceparent="00-trace-01")) == {
            "specversion": "1.0",
            "id": "id-1",
            "source": "/leadmill/ingest",
            "type": "leadmill.page_viewed.v1",
            "subject": "lead-1",
            "time": "2026-03-02T09:30:00.123456Z",
            "recordedtime": "2026-03-02T09:30:01Z",
            "datacontenttype": "application/json",
            "partitionkey": "profile-1",
            "causationid": "cause",
            "correlationid": "first",
            "traceparent": "00-trace-01",
            "data": {
                "lead": "lead-1",
                "profile": "profile-1",
                "source": "website",
                "path": "/pricing",
                "kind": "price",
            },
        }
        assert CONTENT_TYPE == b"application/cloudevents+json"

    def test_names_its_attributes_as_cloud_events_demands(self) -> None:
        assert all(name.isascii() and name.isalnum() and name.islower() for name in json.loads(a_record()))

    def test_leaves_out_what_is_not_there(self) -> None:
        record = json.loads(a_record(causation_id=None))
        assert not {"causationid", "traceparent"} & record.keys()
        assert None not in record.values()

    def test_reads_back_as_it_was_written(self) -> None:
        envelope = decode_envelope(a_record(traceparent="00-trace-01"))
        assert (envelope.id, envelope.source, envelope.subject) == ("id-1", "/leadmill/ingest", "lead-1")
        assert (envelope.partitionkey, envelope.causationid, envelope.correlationid) == (
            *("profile-1", "cause", "first"),
        )
        assert envelope.traceparent == "00-trace-01"
        assert (envelope.occurred, envelope.received) == (OCCURRED, RECEIVED)
        assert decode_event(envelope) == PAGE

    @given(
        st.integers(min_value=-62_135_596_800_000_000, max_value=253_402_300_799_999_999),
        st.integers(min_value=-62_135_596_800_000_000, max_value=253_402_300_799_999_999),
    )
    def test_keeps_every_microsecond(self, occurred: Instant, received: Instant) -> None:
        envelope = decode_envelope(a_record(occurred=occurred, received=received))
        assert (envelope.occurred, envelope.received) == (occurred, received)

    @given(st.text(st.characters(codec="utf-8")))
    def test_keeps_every_text(self, path: str) -> None:
        event = PageViewed(lead="lead-1", profile="profile-1", source="website", path=path)
        assert decode_event(decode_envelope(a_record(event))) == event

    def test_is_refused_for_an_event_that_nobody_declared(self) -> None:
        class Undeclared(Event, frozen=True, kw_only=True):
            lead: str

        with pytest.raises(UnknownType) as refused:
            a_record(Undeclared(lead="lead-1"))
        assert "Undeclared" in refused.value.message


class TestReading:
    def test_ignores_fields_and_attributes_that_it_does_not_know(self) -> None:
        assert decode_event(decode_envelope(with_data(colour="green"))) == PAGE
        assert decode_event(decode_envelope(with_attribute("colour", "green"))) == PAGE

    def test_takes_a_time_of_another_zone_for_the_same_instant(self) -> None:
        assert (
            decode_envelope(with_attribute("time", "2026-03-02T17:30:00.123456+08:00")).occurred == OCCURRED
        )

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"null",
            b"[]",
            b"{",
            b"\xff\xfe",
            a_record()[:-1],
            a_record().replace(b"id-1", b"\xff"),
            a_record().replace(b'"data":{', b'"data":{"deep":' + b"[" * 100_000 + b"]" * 100_000 + b","),
            with_attribute("id", 1),
            with_attribute("specversion", "0.3"),
            with_attribute("time", "2026-03-02T09:30:00"),
            with_attribute("time", "yesterday"),
        ],
        ids=range(12),
    )
    def test_rejects_what_is_no_envelope(self, value: bytes) -> None:
        with pytest.raises(Malformed) as rejected:
            decode_envelope(value)
        assert isinstance(rejected.value, Rejected)
        assert rejected.value.reason == "contract.malformed"

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            (with_data(path=7), "$.path"),
            (with_data(lead=None), "$.lead"),
            (a_record().replace(b"/pricing", b"\xff"), None),
            (with_attribute("data", "text"), None),
            (with_attribute("data", {}), None),
        ],
    )
    def test_rejects_data_that_breaks_the_contract_and_names_the_field(
        self, value: bytes, field: str | None
    ) -> None:
        with pytest.raises(Malformed) as rejected:
            decode_event(decode_envelope(value))
        assert rejected.value.reason == "contract.malformed"
        assert rejected.value.field == field

    def test_never_repeats_what_a_record_said(self) -> None:
        record = a_record(RawReceived(source="website", channel="sdk", kind="track", body="{}"))
        spoiled = record.replace(b'"sdk"', b'"person@example.com"')
        with pytest.raises(Malformed) as rejected:
            decode_event(decode_envelope(spoiled))
        assert "person" not in str(rejected.value)
        assert rejected.value.field == "$.channel"

    @pytest.mark.parametrize("event_type", ["leadmill.page_viewed.v99", "com.example.unheard_of", ""])
    def test_rejects_a_type_that_is_not_declared_under_a_code_of_its_own(self, event_type: str) -> None:
        with pytest.raises(UnknownType) as rejected:
            decode_event(decode_envelope(with_attribute("type", event_type)))
        assert rejected.value.reason == "contract.unknown_type"


class TestIds:
    def test_are_the_same_for_the_same_cause_type_and_ordinal(self) -> None:
        assert event_id("cause", "leadmill.page_viewed.v1", 0) == event_id(
            "cause", "leadmill.page_viewed.v1", 0
        )

    def test_differ_with_each_of_the_three(self) -> None:
        ids = {
            event_id(cause, kind, ordinal)
            for cause in ("cause", "other")
            for kind in ("leadmill.page_viewed.v1", "leadmill.page_viewed.v2")
            for ordinal in (0, 1)
        }
        assert len(ids) == 8
        assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)

    def test_type_of_takes_an_event_or_its_struct(self) -> None:
        assert type_of(PAGE) == type_of(PageViewed) == "leadmill.page_viewed.v1"
