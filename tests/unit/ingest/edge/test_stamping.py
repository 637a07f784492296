"""Stamps: one message or many of a request, the same records."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.api.stamping import Arrival, Stamper
from services.ingest.domain.identifiers import IdentifierKind
from shared.contracts.events.raw import ClientInfo
from tests.examples import tried
from tests.unit.ingest.requests import IDENTITY_KEY

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["%b", '"', "\\", "%"]
)
bodies = texts.map(str.encode) | st.binary(max_size=12)
keys = st.none() | st.tuples(st.sampled_from(IdentifierKind), texts)
messages = st.lists(st.tuples(texts, bodies, st.none() | texts, keys), max_size=5)
arrivals = st.builds(
    Arrival,
    source=texts,
    is_internal=st.booleans(),
    channel=st.sampled_from(["sdk", "event"]),
    received=st.integers(0, 2_000_000_000_000_000),
    client=st.builds(ClientInfo, ip=st.none() | texts, user_agent=st.none() | texts),
    sent=st.none() | st.integers(0, 2_000_000_000_000_000),
    batch_context=st.none() | texts,
    traceparent=st.none() | texts,
)


@given(arrivals, messages)
@settings(max_examples=tried(80), deadline=None)
def test_many_messages_of_a_request_are_stamped_as_each_of_them_alone(
    arrival: Arrival, given_: list[tuple[str, bytes, str | None, tuple[IdentifierKind, str] | None]]
) -> None:
    stamper = Stamper(identity_key=IDENTITY_KEY, new_id=lambda: "0" * 32)
    press = stamper.press(arrival)
    for kind, body, message_id, key in given_:
        one = stamper.stamp(arrival, kind=kind, body=body, message_id=message_id, key=key)
        assert press.stamp(kind=kind, body=body, message_id=message_id, key=key) == one


def test_the_press_is_used_where_it_can_be() -> None:
    arrival = Arrival(source="website", channel="sdk", received=0, client=ClientInfo())
    stamper = Stamper(identity_key=IDENTITY_KEY, new_id=lambda: "0" * 32)
    assert stamper.press(arrival).is_ready
