"""The same form with the same values, twice within minutes (case I-12): two successes, one effect.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.api.stamping import Arrival, Stamper
from services.ingest.domain.identity.repeats import FormWindow
from services.ingest.settings import IngestSettings
from services.ingest.store.directory_rows import forget_messages
from services.ingest.store.identity.forms import forget_forms
from shared.contracts.events.raw import ClientInfo
from shared.kernel.instants import DAY, SECOND
from shared.postgres.database import Database
from tests.examples import tried
from tests.services.ingest.arrivals import Arrivals, LogRecord, as_fetched, make_resolver, resolve
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED

WINDOW = 300


class Forms:
    """Submissions, each a record of its own."""

    def __init__(self) -> None:
        self._count = 0
        self._stamper = Stamper(identity_key=IDENTITY_KEY, new_id=self._next)

    def _next(self) -> str:
        self._count += 1
        return f"{self._count:032x}"

    def record(self, seconds: int, *, source: str = "website", form: str = "", **values: str) -> LogRecord:
        context = msgspec.json.encode({"form": form}).decode() if form else None
        arrival = Arrival(
            source=source,
            channel="form",
            received=RECEIVED + seconds * SECOND,
            client=ClientInfo(),
            batch_context=context,
        )
        _, made = self._stamper.stamp(
            arrival, kind="urlencoded", body=urlencode(values).encode(), message_id=None, key=None
        )
        return as_fetched(made, offset=self._count)


ADA = {"email": "ada@example.com", "message": "hello"}


async def outcomes(database: Database, records: list[LogRecord], *, one_by_one: bool = False) -> list[str]:
    resolver = make_resolver()
    if not one_by_one:
        return [one.outcome.value for one in await resolve(database, resolver, records)]
    return [one.outcome.value for record in records for one in await resolve(database, resolver, [record])]


@pytest.mark.postgres
class TestAForm:
    @pytest.mark.parametrize("one_by_one", [False, True])
    async def test_i12_with_the_same_values_within_300_seconds_counts_as_repeated(
        self, ingest_database: Database, one_by_one: bool
    ) -> None:
        forms = Forms()
        records = [forms.record(at, **ADA) for at in (0, 1, WINDOW, WINDOW + 1, 2 * WINDOW + 2)]
        found = await outcomes(ingest_database, records, one_by_one=one_by_one)
        assert found == ["processed", "duplicate", "duplicate", "processed", "processed"]

    async def test_with_another_value_form_or_source_is_another(self, ingest_database: Database) -> None:
        forms = Forms()
        records = [
            forms.record(0, **ADA),
            forms.record(1, **{**ADA, "message": "once more"}),
            forms.record(2, source="fair", **ADA),
        ]
        assert await outcomes(ingest_database, records) == ["processed"] * 3

    async def test_is_the_same_under_another_name_of_the_request(self, ingest_database: Database) -> None:
        forms = Forms()
        records = [
            forms.record(0, **ADA, _idempotency_key="one"),
            forms.record(9, **ADA, _idempotency_key="two"),
        ]
        assert await outcomes(ingest_database, records) == ["processed", "duplicate"]

    async def test_that_was_of_no_use_does_not_stand_in_the_way(self, ingest_database: Database) -> None:
        forms = Forms()
        assert await outcomes(ingest_database, [forms.record(0, message="nobody")]) == ["quarantined"]
        async with ingest_database.connection() as connection:
            assert await connection.fetch_value("SELECT count(*) FROM seen_form") == 0

    async def test_is_forgotten_when_it_no_longer_counts(self, ingest_database: Database) -> None:
        forms = Forms()
        await outcomes(ingest_database, [forms.record(0, **ADA), forms.record(0, email="bob@example.com")])
        async with ingest_database.transaction() as transaction:
            assert await forget_forms(transaction, received_before=RECEIVED, limit=10) == 0
            assert await forget_forms(transaction, received_before=RECEIVED + 1, limit=10) == 2


@settings(max_examples=tried(80), deadline=None)
@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=30))
def test_of_submissions_in_order_each_that_counts_is_further_off_than_the_window(times: list[int]) -> None:
    window = FormWindow({}, seconds=WINDOW)
    counted: list[int] = []
    for at in sorted(times):
        if not window.is_repeat("f", at * SECOND):
            window.note("f", at * SECOND)
            counted.append(at)
    assert all(later - earlier > WINDOW for earlier, later in itertools.pairwise(counted))
    assert all(any(0 <= at - one <= WINDOW for one in counted) for at in times)


@pytest.mark.postgres
async def test_i4_a_message_is_known_again_by_source_and_id_for_a_fortnight(
    ingest_database: Database,
) -> None:
    remembered = IngestSettings().remember_messages
    assert remembered == timedelta(days=14)
    message = {"userId": "u", "event": "E", "messageId": "m"}
    arrivals = Arrivals()
    first = arrivals.record(message)
    await resolve(ingest_database, make_resolver(), [first])
    week_later = RECEIVED + 7 * DAY
    async with ingest_database.transaction() as transaction:
        await forget_messages(
            transaction, received_before=week_later - remembered // timedelta(microseconds=1), limit=10
        )
    again, elsewhere = arrivals.record(message), arrivals.record(message, source="app")
    assert await outcomes(ingest_database, [again, elsewhere]) == ["duplicate", "processed"]
