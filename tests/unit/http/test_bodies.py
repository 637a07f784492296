"""Reading a request's body."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from shared.http.bodies import (
    BodyDamaged,
    BodyEncodingUnknown,
    BodyLimits,
    BodyTooLarge,
    BodyTooSlow,
    read_body,
    unpack,
)
from tests.examples import tried

SMALL = BodyLimits(sent=1_000, unpacked=2_000, time=timedelta(seconds=60))
BRIEF = BodyLimits(sent=1_000, unpacked=2_000, time=timedelta(milliseconds=20))


def arriving(*pieces: bytes | None) -> Receive:
    """A client that sends these pieces; None is where it goes away."""
    messages: list[Message] = [
        {"type": "http.disconnect"}
        if piece is None
        else {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]

    async def receive() -> Message:
        if not messages:
            await asyncio.sleep(3_600)
        return messages.pop(0)

    return receive


def request(**headers: str) -> dict[str, object]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": named}


class TestABody:
    @given(
        body=st.binary(max_size=1_000), cuts=st.lists(st.integers(0, 1_000), max_size=5), packed=st.booleans()
    )
    @settings(max_examples=tried(50), deadline=None)
    def test_arrives_whole_however_it_was_cut_and_packed(
        self, body: bytes, cuts: Sequence[int], packed: bool
    ) -> None:
        if body[:2] == b"\x1f\x8b":
            return
        sent = gzip.compress(body) if packed else body
        places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
        pieces = [sent[start:end] for start, end in itertools.pairwise(places)]
        limits = BodyLimits(sent=2_000, unpacked=2_000)
        assert asyncio.run(read_body(request(), arriving(*pieces), limits=limits)) == body

    async def test_is_unpacked_by_its_first_bytes_whatever_the_headers_say(self) -> None:
        packed = gzip.compress(b'{"type":"track"}')
        for scope in (
            request(content_encoding="gzip"),
            request(content_encoding="GZIP"),
            request(content_type="text/plain"),
            request(content_type="application/x-www-form-urlencoded"),
        ):
            assert await read_body(scope, arriving(packed)) == b'{"type":"track"}'

    async def test_that_a_proxy_has_unpacked_already_is_taken_as_it_is(self) -> None:
        assert await read_body(request(content_encoding="gzip"), arriving(b"{}")) == b"{}"

    async def test_of_several_gzip_members_is_one(self) -> None:
        assert unpack(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0", limit=10) == b"ab"

    async def test_in_a_packing_we_do_not_read_is_refused(self) -> None:
        with pytest.raises(BodyEncodingUnknown):
            await read_body(request(content_encoding="br"), arriving(b"x"))

    @pytest.mark.parametrize(
        "damage", [lambda body: body[:-9], lambda body: body[:12], lambda body: body[:2] + b"x" * 20]
    )
    async def test_that_is_damaged_gzip_is_refused(self, damage: object) -> None:
        body = gzip.compress(b"0123456789" * 10)
        with pytest.raises(BodyDamaged):
            await read_body(request(), arriving(damage(body)))  # type: ignore[operator]


class TestALimit:
    async def test_is_checked_on_what_is_announced_before_anything_is_read(self) -> None:
        with pytest.raises(BodyTooLarge):
            await read_body(request(content_length="1001"), arriving(), limits=SMALL)

    async def test_holds_for_bodies_without_a_length(self) -> None:
        assert len(await read_body(request(), arriving(b"x" * 500, b"x" * 500), limits=SMALL)) == 1_000
        for pieces in ((b"x" * 1_001,), (b"x" * 500, b"x" * 501)):
            with pytest.raises(BodyTooLarge):
                await read_body(request(), arriving(*pieces), limits=SMALL)

    async def test_holds_for_what_is_unpacked(self) -> None:
        assert len(await read_body(request(), arriving(gzip.compress(b"x" * 2_000)), limits=SMALL)) == 2_000
        with pytest.raises(BodyTooLarge):
            await read_body(request(), arriving(gzip.compress(b"x" * 2_001)), limits=SMALL)

    def test_stops_a_bomb_before_it_has_grown(self) -> None:
        packer = zlib.compressobj(wbits=31)
        bomb = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(200)) + packer.flush()
        with pytest.raises(BodyTooLarge):
            unpack(bomb, limit=1_000)

    async def test_holds_for_time(self) -> None:
        async def receive() -> Message:
            await asyncio.sleep(0.005)
            return {"type": "http.request", "body": b"x", "more_body": True}

        with pytest.raises(BodyTooSlow):
            await read_body(request(), receive, limits=BRIEF)


async def test_a_client_that_goes_away_is_noticed() -> None:
    for pieces in ((None,), (b"x", None)):
        with pytest.raises(ClientDisconnect):
            await read_body(request(), arriving(*pieces))
