"""A whole request by its number: address, head, body and framing, each right or wrong."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httptools

from tests.operations.fuzz.mutations import mutate, pack
from tests.operations.fuzz.targets import Target, right_body

_TYPES: Final = (
    b"application/json",
    b"application/json; charset=utf-8",
    b"application/json; charset=nonsense",
    b"text/plain;charset=UTF-8",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=b",
    b"multipart/form-data",
    b'multipart/form-data; boundary="\xff',
    b"application/cloudevents+json",
    b"application/cloudevents-batch+json",
    b"application/xml",
    b"text/html; q=\0",
    b";;;",
    b"",
)
_QUERIES: Final = (
    b"writeKey=%s",
    b"write_key=%s&email=%%00",
    b"%%ff=%%ff&&&===",
    b"hub.mode=subscribe&hub.challenge=1&hub.verify_token=x",
    b"signature=x&timestamp=1&nonce=1&echostr=1&msg_signature=y",
    b"data=%%7B%%22event%%22%%3A1%%7D",
    b"_=" + b"x" * 3_000,
    b"&".join(b"a%%%%d=%d" % n for n in range(150)).replace(b"%d", b""),
)
_HEADERS: Final = (
    b"Idempotency-Key: k-1\r\n",
    b"Idempotency-Key: " + b"k" * 300 + b"\r\n",
    b"Origin: https://example.com\r\n",
    b"Origin: null\r\n",
    b"Origin: \xff\xfe\r\n",
    b"traceparent: 00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01\r\n",
    b"traceparent: 00-zz\r\n",
    b"ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /a\r\nce-type: b\r\nce-time: never\r\n",
    b"ce-id: %f0%9f\r\nce-specversion: 9\r\n",
    b"X-Hub-Signature-256: sha256=00\r\n",
    b"X-Forwarded-For: a, b, ::1\r\n",
    b"User-Agent: " + b"u" * 2_000 + b"\r\n",
    b"SentAt: 2026-99-99\r\n",
    b"Referer: javascript:alert(1)\r\n",
    b"Accept: text/html\r\nAccept-Language: zh-CN,\xff;q=9\r\n",
    b"Expect: 100-continue\r\n",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    b"Cookie: a=\xff\r\n",
    b"Range: bytes=0-1\r\n",
)


@dataclass(frozen=True, slots=True)
class Shot:
    """One request as bytes; after one that ``breaks`` the framing, or is ``unfinished``, nobody can go on."""

    number: int
    target: str
    wire: bytes
    breaks: bool
    unfinished: bool = False


def make_shot(number: int, *, seed: int, targets: Sequence[Target], key: str) -> Shot:
    """Return the request of this number; it depends on its arguments and on nothing else."""
    pick = random.Random(seed << 40 | number)
    target = pick.choice(targets)
    method = (
        target.method if pick.random() < 0.97 else pick.choice(("PUT", "DELETE", "OPTIONS", "PATCH", "HEAT"))
    )
    address = target.address(pick, key=key if pick.random() < 0.9 else "wrong").encode()
    head = b""
    if pick.random() < 0.85:
        shown = key if pick.random() < 0.97 else "\udcff" * 3
        credentials = b64encode(f"{shown}:".encode("utf-8", "surrogateescape"))
        head += b"Authorization: Basic " + credentials + b"\r\n"
    if pick.random() < 0.15:
        query = pick.choice(_QUERIES)
        address += b"?" + (query % key.encode() if b"%s" in query else query.replace(b"%%", b"%"))
    if pick.random() < 0.02:
        address += pick.choice((b"%00", b"%ff", b"/../..", b"//", b"%2e%2e/", b"?" * 50, b"/" + b"p" * 2_000))
    for _ in range(pick.choice((0, 0, 1, 2))):
        head += pick.choice(_HEADERS)
    body = b"" if method == "GET" and pick.random() < 0.8 else mutate(right_body(target, pick), pick)
    body, encoding = pack(body, pick)
    head += encoding
    kind = pick.choice(_TYPES) if pick.random() < 0.4 else _TYPES[0]
    head += b"Content-Type: " + kind + b"\r\n"
    first = method.encode() + b" " + address + b" HTTP/1.1\r\nHost: fuzz.example\r\n"
    framing, sent = _frame(body, pick)
    wire = first + head + framing + b"\r\n" + sent
    is_whole, is_sound = _looked_at(wire)
    return Shot(
        number, f"{target.method} {target.path}", wire, not (is_whole and is_sound), is_sound and not is_whole
    )


class _Reader:
    """What a parser of requests tells."""

    def __init__(self) -> None:
        self.is_whole = False

    def on_url(self, url: bytes) -> None:
        httptools.parse_url(url)

    def on_message_complete(self) -> None:
        self.is_whole = True


def _looked_at(wire: bytes) -> tuple[bool, bool]:
    """Return whether a parser finds one whole request in it, and whether it finds no fault."""
    reader = _Reader()
    try:
        httptools.HttpRequestParser(reader).feed_data(wire)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return reader.is_whole, False
    return reader.is_whole, True


def _frame(body: bytes, pick: random.Random) -> tuple[bytes, bytes]:
    """Return the header of the length and what is sent; now and then they do not fit."""
    dice = pick.random()
    length = b"Content-Length: %d\r\n"
    if dice < 0.93:
        return length % len(body), body
    chunked = b"Transfer-Encoding: chunked\r\n"
    size = pick.choice((1, 7, 1_000)) if len(body) < 300 else 70_000
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    right = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    if dice < 0.97:
        return chunked, right + b"0\r\n\r\n"
    if dice < 0.975:
        return chunked, right + b"zz\r\n\r\n"
    if dice < 0.98:
        return chunked, b"ffffffffffffffffff\r\n" + body
    if dice < 0.985:
        return length % len(body) + chunked, right + b"0\r\n\r\n"
    if dice < 0.99:
        return length % len(body) + length % (len(body) + 1), body
    return length % (len(body) + 10), body
