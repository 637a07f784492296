"""What is wrong with a request: one or several faults of a kind that real clients and real attackers have."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

Mutation = Callable[[bytes, random.Random], bytes]

_NASTY: Final = (
    b"\0",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\u0000"',
    b"1e999",
    b"-1e-999",
    b"1" * 400,
    b"NaN",
    b"-Infinity",
    b"0x1F",
    b"1.7976931348623157e309",
    b"9223372036854775808",
    b"-0",
    b"{}",
    b"[]",
    b"null",
    b"true",
    b'""',
    b'"\xe2\x80\x8e"',
    b'"2026-13-45T99:99:99Z"',
    b'"0000-00-00"',
    b'"9999-12-31T23:59:59.999999999+99:99"',
    b'"=cmd|calc!A0"',
    b'"\' OR 1=1 --"',
    b"/**/",
    b",,",
    b"}{",
)


def _flip(body: bytes, pick: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(pick.choice((1, 1, 2, 8))):
        if changed:
            changed[pick.randrange(len(changed))] = pick.randrange(256)
    return bytes(changed)


def _cut(body: bytes, pick: random.Random) -> bytes:
    return body[: pick.randrange(len(body) + 1)]


def _insert(body: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(body) + 1)
    return body[:at] + pick.choice(_NASTY) + body[at:]


def _replace_value(body: bytes, pick: random.Random) -> bytes:
    """Put something nasty where a value stands, so that the rest stays JSON."""
    start = body.find(b":", pick.randrange(len(body) + 1)) + 1 or body.find(b":") + 1
    if not start:
        return _insert(body, pick)
    end = start
    while end < len(body) and body[end] not in b",}]":
        end += 1
    return body[:start] + pick.choice(_NASTY) + body[end:]


def _double_key(body: bytes, pick: random.Random) -> bytes:
    again = pick.choice((b'"type":1,', b'"userId":[1],', b'"email":{"a":1},', b'"batch":{},', b'"id":null,'))
    at = body.find(b"{") + 1
    return body[:at] + again * pick.choice((1, 2, 50)) + body[at:]


def _repeat(body: bytes, pick: random.Random) -> bytes:
    start = pick.randrange(len(body) + 1)
    return body + body[start:] * pick.choice((1, 3))


def _deepen(_body: bytes, pick: random.Random) -> bytes:
    depth = pick.choices((10, 100, 1_000, 10_000, 100_000), (40, 30, 24, 5, 1))[0]
    begin, end = pick.choice(((b"[", b"]"), (b'{"a":', b"}")))
    inner = begin * depth + b"1" + (end * depth if pick.random() < 0.7 else b"")
    return (
        pick.choice((b"%s", b'{"userId":"u","traits":%s}', b'{"batch":[{"type":"page","properties":%s}]}'))
        % inner
    )


def _lengthen(body: bytes, pick: random.Random) -> bytes:
    """Make one text very long; ten megabytes now and then."""
    size = pick.choices((300, 5_000, 40_000, 200_000, 10_000_000), (300, 200, 80, 10, 1))[0]
    at = body.find(b'":"')
    letter = pick.choice((b"x", b" ", "字".encode(), b"\\u0000", b"%00"))
    return body[: at + 3] + letter * (size // len(letter)) + body[at + 3 :]


def _widen(_body: bytes, pick: random.Random) -> bytes:
    return _wide(pick.choices((100, 1_000, 5_000), (80, 18, 2))[0])


@cache
def _wide(count: int) -> bytes:
    return b'{"userId":"u","properties":{' + b",".join(b'"k%d":%d' % (n, n) for n in range(count)) + b"}}"


def _many(body: bytes, pick: random.Random) -> bytes:
    return b'{"batch":[' + b",".join([body] * pick.choices((0, 20, 500), (10, 85, 5))[0]) + b"]}"


def _mark(body: bytes, _pick: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + body


def _widen_letters(body: bytes, pick: random.Random) -> bytes:
    return body.decode("latin-1").encode(pick.choice(("utf-16", "utf-32-le", "utf-7")))


def _garbage(_body: bytes, pick: random.Random) -> bytes:
    return pick.randbytes(pick.choice((0, 1, 10, 1_000)))


def _form(_body: bytes, pick: random.Random) -> bytes:
    pairs = (b"email=g%40example.com", b"name=%E5%AD%97", b"x=%ff%00", b"=", b"&&", b"a=1;b=2", b"%zz=%")
    return b"&".join(pick.choices(pairs, k=pick.choice((1, 3, 300))))


def _multipart(_body: bytes, pick: random.Random) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\nh@example.com\r\n'
    odd = (
        b"--b\r\n\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="\xff"; filename="a.exe"\r\n\r\n\0\r\n',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n",
        b"--b\nContent-Disposition: form-data; name=a\n\nx\n",
        b"--c\r\n",
    )
    body = part + b"".join(pick.choices(odd, k=pick.choice((0, 1, 2)))) + b"--b--\r\n"
    return body if pick.random() < 0.5 else _cut(body, pick)


def _xml(_body: bytes, pick: random.Random) -> bytes:
    return pick.choice(
        (
            b"<xml><Event><![CDATA[subscribe]]></Event><FromUserName>o</FromUserName></xml>",
            b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><xml>&b;</xml>',
            b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]><xml>&y;</xml>',
            b"<xml>" * 5_000,
        )
    )


MUTATIONS: Final[Sequence[tuple[int, Mutation]]] = (
    (10, _flip),
    (8, _cut),
    (8, _insert),
    (14, _replace_value),
    (5, _double_key),
    (3, _repeat),
    (3, _deepen),
    (3, _lengthen),
    (2, _widen),
    (1, _many),
    (1, _mark),
    (2, _widen_letters),
    (4, _garbage),
    (4, _form),
    (4, _multipart),
    (2, _xml),
)
_WEIGHTS: Final = [weight for weight, _ in MUTATIONS]
_MOST_TO_CHANGE: Final = 100_000


@cache
def _bomb() -> bytes:
    """A hundred megabytes of zeros in a hundred kilobytes."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1_000_000)
    return b"".join([packer.compress(zeros) for _ in range(100)]) + packer.flush()


def mutate(body: bytes, pick: random.Random) -> bytes:
    """Return the body as it is, or with one fault or several."""
    for _ in range(pick.choices((0, 1, 2, 4), (10, 60, 20, 10))[0]):
        if len(body) <= _MOST_TO_CHANGE:
            body = pick.choices(MUTATIONS, _WEIGHTS)[0][1](body, pick)
    return body


def pack(body: bytes, pick: random.Random) -> tuple[bytes, bytes]:
    """Return the body as it is sent, and its header: mostly plain, else gzip right or wrong."""
    dice = pick.random()
    if dice < 0.85:
        return body, b""
    header = pick.choice((b"", b"Content-Encoding: gzip\r\n", b"Content-Encoding: gzip\r\n"))
    if dice < 0.852:
        return _bomb(), header
    packed = gzip.compress(body, compresslevel=1, mtime=0)
    if dice < 0.92:
        return packed, header
    if dice < 0.95:
        return packed[: pick.randrange(len(packed))], header
    if dice < 0.97:
        return _flip(packed, pick), header
    if dice < 0.98:
        return packed + packed, header
    return body, pick.choice(
        (
            b"Content-Encoding: gzip\r\n",
            b"Content-Encoding: br\r\n",
            b"Content-Encoding: deflate\r\n",
            b"Content-Encoding: \xff\r\n",
        )
    )
