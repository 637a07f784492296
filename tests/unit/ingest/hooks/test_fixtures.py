"""Every provider's fixtures, run; and what holds of every provider there is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from services.ingest.providers.port import Provider
from services.ingest.providers.roster import PROVIDERS, hook_readers
from tests.unit.ingest.edge.house import KEY, House
from tests.unit.ingest.hooks.fixtures import (
    PROVIDERS_FOLDER,
    Fixture,
    all_fixtures,
    body_of,
    deliver,
    read_item,
    received_at,
    show,
)
from tests.unit.ingest.requests import RECEIVED


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A house at the moment when the fixture's request came in."""
    fixture = getattr(request.node, "callspec", None) and request.node.callspec.params.get("fixture")
    made = House(received_at(fixture.read()) if fixture else RECEIVED)
    yield made
    await made.client.aclose()


def provider_of(fixture: Fixture) -> Provider:
    return PROVIDERS[fixture.folder.name.replace("_", "-")]


EACH_REQUEST = pytest.mark.parametrize(
    "fixture", [one for one in all_fixtures() if "request" in one.read()], ids=lambda one: one.name
)
EACH_ITEM = pytest.mark.parametrize(
    "fixture", [one for one in all_fixtures() if "item" in one.read()], ids=lambda one: one.name
)
EACH_FIXTURE = pytest.mark.parametrize("fixture", all_fixtures(), ids=lambda one: one.name)
EACH_PROVIDER = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)


class TestFixtures:
    @EACH_REQUEST
    async def test_say_what_becomes_of_a_delivery(self, house: House, fixture: Fixture) -> None:
        told = fixture.read()
        answer = await deliver(house, provider_of(fixture).name, told)
        reply = told["reply"]
        assert answer.status_code == reply["status"], answer.text
        if "body" in reply:
            assert answer.text == reply["body"]
        assert [show(reading) for reading in house.understood()] == told.get("becomes", [])

    @EACH_ITEM
    def test_say_what_becomes_of_what_is_fetched(self, fixture: Fixture) -> None:
        told = fixture.read()
        assert [read_item(told)] == told["becomes"]

    @EACH_REQUEST
    async def test_take_effect_once_however_often_they_come(self, house: House, fixture: Fixture) -> None:
        told = fixture.read()
        await deliver(house, provider_of(fixture).name, told)
        once = list(house.ids)
        await deliver(house, provider_of(fixture).name, told)
        assert house.ids == once * 2
        assert len(set(once)) == len(once)

    @EACH_REQUEST
    async def test_survive_any_cut_of_their_body(self, house: House, fixture: Fixture) -> None:
        told = fixture.read()
        body = body_of(told["request"])
        step = max(1, len(body) // 40)
        for cut in range(0, len(body), step):
            answer = await deliver(house, provider_of(fixture).name, told, body[:cut])
            assert answer.status_code < 500, answer.text
        assert all(show(reading) for reading in house.understood())

    @EACH_FIXTURE
    def test_name_their_origin(self, fixture: Fixture) -> None:
        told = fixture.read()
        assert told["origin"]
        assert told["about"]


class TestProviders:
    @EACH_PROVIDER
    def test_have_a_page_and_fixtures(self, provider: Provider) -> None:
        folder = PROVIDERS_FOLDER / provider.name.replace("-", "_")
        page = (folder / "README.md").read_text()
        assert list((folder / "fixtures").glob("*.json"))
        assert "## Verified" in page, "say what is verified, and what is not verified with the vendor"
        for secret in provider.secrets:
            assert f"`{secret.name}`" in page

    @EACH_PROVIDER
    def test_say_how_to_set_them_up(self, provider: Provider) -> None:
        assert any("{address}" in step for step in provider.steps)
        assert all(step.endswith(".") for step in provider.steps)
        assert re.fullmatch("[a-z][a-z0-9-]*", provider.name)

    @EACH_PROVIDER
    def test_name_their_kinds_after_themselves(self, provider: Provider) -> None:
        assert all(re.match(rf"{provider.name}(\.|$)", kind) for kind in provider.readers)

    def test_share_no_kind(self) -> None:
        assert len(hook_readers()) == sum(len(provider.readers) for provider in PROVIDERS.values())

    @EACH_PROVIDER
    async def test_wait_for_their_secrets_and_refuse_nothing_meanwhile(
        self, house: House, provider: Provider
    ) -> None:
        house.keys.is_away = True
        answer = await house.client.post(f"/hooks/{provider.name}/{KEY}", content=b"{}")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1

    @EACH_PROVIDER
    async def test_refuse_an_unknown_key_and_keep_a_sample(self, house: House, provider: Provider) -> None:
        answer = await house.client.post(f"/hooks/{provider.name}/nobodys-key", content=b'{"a": 1}')
        assert answer.status_code == 401
        assert house.turned_away == [(b'{"a": 1}', "write_key.invalid")]

    async def test_that_do_not_exist_are_not_found(self, house: House) -> None:
        answer = await house.client.post(f"/hooks/nobody/{KEY}", content=b"{}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "hook.not_found"
