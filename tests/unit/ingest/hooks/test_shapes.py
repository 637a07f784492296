"""What vendors may send that nobody expected: any value in any place of any item that a fixture has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.providers.roster import PROVIDERS, hook_readers
from shared.contracts.events.raw import RawReceived
from tests.examples import tried
from tests.unit.ingest.hooks.fixtures import all_fixtures, body_of
from tests.unit.ingest.requests import RECEIVED, make_reader

READER = make_reader()
KINDS = sorted(hook_readers())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def bodies_of(provider: str) -> list[Any]:
    """Return the objects that the provider's fixtures deliver."""
    found = []
    for fixture in all_fixtures():
        if fixture.folder.name.replace("_", "-") == provider:
            told = fixture.read()
            try:
                found.append(msgspec.json.decode(body_of(told.get("item") or told["request"])))
            except msgspec.DecodeError:
                continue
    return found


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places_in(one, (*path, name))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of the value with another one in a place of it."""
    if not path:
        return new
    if isinstance(value, dict):
        return {name: put(one, path[1:], new) if name == path[0] else one for name, one in value.items()}
    return [put(one, path[1:], new) if place == path[0] else one for place, one in enumerate(value)]


def understand(kind: str, body: bytes) -> object:
    raw = RawReceived(source="website", channel="hook", kind=kind, body=body.decode())
    return READER.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)


class TestItems:
    @pytest.mark.parametrize("provider", sorted(PROVIDERS))
    @given(data=st.data())
    @settings(max_examples=tried(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_are_understood_or_refused_whatever_stands_where(
        self, provider: str, data: st.DataObject
    ) -> None:
        bodies = bodies_of(provider)
        whole = data.draw(st.sampled_from(bodies)) if bodies else {}
        place = data.draw(st.sampled_from(list(places_in(whole))))
        changed = msgspec.json.encode(put(whole, place, data.draw(JSON)))
        for kind in PROVIDERS[provider].readers:
            assert isinstance(understand(kind, changed), Intake | Errand | Refusal)

    @pytest.mark.parametrize("kind", KINDS)
    @given(text=st.text(max_size=100))
    @settings(max_examples=tried(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_are_understood_or_refused_if_they_are_any_text(self, kind: str, text: str) -> None:
        assert isinstance(understand(kind, text.encode("utf-8", "replace")), Intake | Errand | Refusal)
