"""Commands over HTTP: what names them, and what becomes of those that are sent twice."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st

from shared.http.commands import LONGEST_KEY, CommandCall, KeyMalformed, KeyTooLong, read_key
from shared.kernel.errors import Unavailable
from shared.kernel.instants import Instant
from shared.processor.commands import KeyReused
from tests.unit.http.conftest import NOW, Call


class Grow(msgspec.Struct, frozen=True):
    amount: int


class FakeCommands:
    """Does what ``Commands`` promises: each key once, in memory."""

    def __init__(self) -> None:
        self.total = 0
        self.is_away = False
        self.received: list[Instant] = []
        self._done: dict[str, tuple[object, int]] = {}

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        if self.is_away:
            raise Unavailable("the database does not answer", retry_after=2.5)
        assert isinstance(command, Grow)
        done = self._done.get(idempotency_key)
        if done is not None:
            if done[0] != (key, command):
                raise KeyReused
            return done[1]
        self.received.append(received)
        self.total += command.amount
        self._done[idempotency_key] = (key, command), self.total
        return self.total


@pytest.fixture
def commands() -> FakeCommands:
    return FakeCommands()


@pytest.fixture
def client(client_of: Call, commands: FakeCommands) -> httpx.AsyncClient:
    router = APIRouter()

    @router.post("/things/{thing}/grow")
    async def grow(thing: str, amount: int, call: CommandCall) -> dict[str, int]:
        return {"total": await call.run(commands, thing, Grow(amount))}

    return client_of(routers=[router])


async def post(client: httpx.AsyncClient, *keys: str, thing: str = "a", amount: int = 1) -> httpx.Response:
    headers = [("Idempotency-Key", key) for key in keys]
    return await client.post(f"/things/{thing}/grow", params={"amount": amount}, headers=headers)


class TestACommand:
    async def test_takes_effect_once_under_its_key_and_is_answered_as_the_first_time(
        self, client: httpx.AsyncClient, commands: FakeCommands
    ) -> None:
        answers = [await post(client, key) for key in ('"k-1"', "k-1", ' "k-1" ')]
        assert [answer.json() for answer in answers] == [{"total": 1}] * 3
        assert commands.received == [NOW]

    async def test_without_a_key_is_one_of_its_own(self, client: httpx.AsyncClient) -> None:
        assert [(await post(client)).json()["total"] for _ in range(3)] == [1, 2, 3]

    async def test_is_refused_under_a_key_that_named_another(
        self, client: httpx.AsyncClient, commands: FakeCommands
    ) -> None:
        await post(client, "k")
        for other in ({"amount": 2}, {"thing": "b"}):
            answer = await post(client, "k", **other)
            assert (answer.status_code, answer.json()["code"]) == (422, "command.key_reused")
        assert commands.total == 1

    async def test_that_cannot_be_carried_out_now_says_when_to_ask_again(
        self, client: httpx.AsyncClient, commands: FakeCommands
    ) -> None:
        commands.is_away = True
        answer = await post(client, "k")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
        commands.is_away = False
        assert (await post(client, "k")).json() == {"total": 1}

    @pytest.mark.parametrize(
        ("keys", "code"),
        [
            (["x" * (LONGEST_KEY + 1)], "command.key_too_long"),
            ([""], "command.key_malformed"),
            (['""'], "command.key_malformed"),
            (['"open'], "command.key_malformed"),
            (['"a" "b"'], "command.key_malformed"),
            (["one", "two"], "command.key_malformed"),
        ],
    )
    async def test_is_refused_with_a_code_if_its_key_cannot_be_one(
        self, client: httpx.AsyncClient, commands: FakeCommands, keys: list[str], code: str
    ) -> None:
        answer = await post(client, *keys)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert not commands.total

    async def test_is_documented_with_its_key(self, client: httpx.AsyncClient) -> None:
        operation = (await client.get("/openapi.json")).json()["paths"]["/things/{thing}/grow"]["post"]
        headers = [parameter for parameter in operation["parameters"] if parameter["in"] == "header"]
        assert [(header["name"], header["required"]) for header in headers] == [("Idempotency-Key", False)]


PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=LONGEST_KEY)


class TestAKey:
    @given(PRINTABLE)
    def test_in_quotes_is_read_as_it_was_meant(self, key: str) -> None:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        assert read_key(f'"{escaped}"') == key

    @given(PRINTABLE.filter(lambda key: key.strip() == key and key[0] != '"'))
    def test_is_read_without_quotes_too(self, key: str) -> None:
        assert read_key(key) == key

    @given(st.text())
    def test_is_read_or_refused_and_nothing_else(self, text: str) -> None:
        try:
            key = read_key(text)
        except (KeyMalformed, KeyTooLong):
            return
        assert 0 < len(key) <= LONGEST_KEY
        assert key.isascii()
        assert key.isprintable()
