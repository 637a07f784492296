"""A short share of the siege, and that it would see what it looks for; ``make fuzz`` does more of it."""

from __future__ import annotations

import asyncio

import pytest

from tests.operations.fuzz.besieging import besiege, document_of, open_fort
from tests.operations.fuzz.drafting import draft
from tests.operations.fuzz.shooting import Score, Supply, shoot
from tests.operations.fuzz.shots import Shot, make_shot
from tests.operations.fuzz.targets import Target, find_targets

_SHOTS = 1_000
_TARGETS = (Target("POST", "/v1/track"), Target("POST", "/v1/batch"), Target("POST", "/f/{form_key}"))


@pytest.mark.postgres
@pytest.mark.lasts(45)
async def test_hostile_requests_neither_stop_the_platform_nor_lose_anybody_s_message() -> None:
    async with open_fort() as fort:
        siege = await besiege(fort, seed=1, begin=0, count=_SHOTS, seconds=3_600)
        assert siege.faults == []
        assert siege.score.fired == _SHOTS
        # one shot of a thousand is too large, so a short share need not have one (413)
        assert {200, 400, 401, 404, 415} <= set(siege.score.answers)
        assert 0 < siege.quarantined < siege.accepted
        document = await document_of(fort)
        drafts = await asyncio.to_thread(
            draft, document, address=fort.running.address, key=fort.key, examples=1, seed=1
        )
        assert drafts.faults == []
        assert drafts.operations >= len({(target.method, target.path) for target in fort.targets}) - 4


def test_a_shot_is_the_same_whenever_its_number_is_fired() -> None:
    shots = [[make_shot(n, seed=7, targets=_TARGETS, key="k") for n in range(300)] for _ in range(2)]
    assert shots[0] == shots[1]
    assert len({shot.wire for shot in shots[0]}) > 290
    assert make_shot(1, seed=8, targets=_TARGETS, key="k") != shots[0][1]
    assert {shot.breaks for shot in shots[0]} == {True, False}


def test_every_operation_of_the_document_is_a_target() -> None:
    document = {"paths": {"/v1/track": {"post": {}, "parameters": []}, "/l/{link}": {"get": {}}}}
    assert {Target("POST", "/v1/track"), Target("GET", "/l/{link}")} <= set(find_targets(document))


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        (b"HTTP/1.1 500 E\r\ncontent-length: 2\r\n\r\n{}", 3),
        (b'HTTP/1.1 503 U\r\ncontent-length: 20\r\n\r\n{"code":"edge.busy"}', 0),
        (b"HTTP/1.1 400 B\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 0),
    ],
)
async def test_an_answer_that_is_a_bug_of_ours_is_a_fault(answer: bytes, faults: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    score = Score()
    wire = b"GET / HTTP/1.1\r\n\r\n"
    supply = Supply(iter(range(3)), lambda number: Shot(number, "GET /", wire, breaks=False))
    async with server:
        await shoot(supply, score, port=port)
    assert score.fired == sum(score.answers.values()) == 3
    assert len(score.failures) == faults
    assert score.unavailable == ({"edge.busy": 3} if b"503" in answer else {})
