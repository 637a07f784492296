"""What holds of every mapping, whatever it is given: an answer, every digit, and nobody named by mistake."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.providers.roster import hook_readers
from shared.contracts.events.raw import RawReceived
from tests.unit.ingest.hooks.fixtures import all_fixtures
from tests.unit.ingest.requests import RECEIVED, make_reader

READER = make_reader()
LARGEST = 2**63 - 1


def words_of(value: Any) -> set[str]:
    """Return every name in a document."""
    if isinstance(value, dict):
        return set(value) | {word for inner in value.values() for word in words_of(inner)}
    if isinstance(value, list):
        return {word for inner in value for word in words_of(inner)}
    return set()


WORDS = sorted({word for fixture in all_fixtures() for word in words_of(fixture.read())})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-LARGEST, max_value=LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["CREATED", "LEAD_ACTION", "event", "{}", "[1]", "1795293000", "a@b.example", "0"])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=15,
)


def read(kind: str, document: Any) -> Intake | Errand | Refusal:
    raw = RawReceived(
        source="website", channel="hook", kind=kind, body=msgspec.json.encode(document).decode()
    )
    return READER.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)


@pytest.mark.parametrize("kind", sorted(hook_readers()))
class TestEveryMapping:
    @given(document=DOCUMENTS)
    def test_has_an_answer_to_anything(self, kind: str, document: Any) -> None:
        found = read(kind, document)
        assert isinstance(found, Intake | Errand | Refusal)
        if isinstance(found, Intake):
            assert found.occurred <= RECEIVED
            assert found.anchors or found.anonymous

    @given(body=st.binary(max_size=40))
    def test_has_an_answer_to_any_bytes(self, kind: str, body: bytes) -> None:
        raw = RawReceived(source="website", channel="hook", kind=kind, body_base64=body)
        found = READER.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
        assert isinstance(found, Intake | Errand | Refusal)


class TestIds:
    @given(number=st.integers(min_value=1, max_value=LARGEST), is_text=st.booleans())
    def test_of_ad_platforms_keep_every_digit(self, number: int, is_text: bool) -> None:
        told: Any = str(number) if is_text else number
        columns = [{"column_id": "EMAIL", "string_value": "ada@engines.example"}]
        google = {"lead_id": told, "form_id": told, "campaign_id": told, "creative_id": told}
        ids = {"id": told, "form_id": told, "page_id": told, "campaign_id": told, "ad_id": told}
        for kind, document in (
            ("google-ads", {**google, "user_column_data": columns}),
            ("tiktok", ids),
            ("meta.lead", ids),
        ):
            found = read(kind, document)
            assert isinstance(found, Intake)
            assert found.external is not None
            assert found.acquisition is not None
            assert found.act is not None
            assert (found.external.id, found.act.fields["form"]) == (str(number), str(number))
            assert (found.acquisition.campaign, found.acquisition.ad) == (str(number), str(number))
            assert found.message_id == f"{kind.partition('.')[0]}-{number}"
