"""A POST goes to the address that was checked, and its answer is bounded; against real servers."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.delivery.outbound.posting import (
    AddressRefused,
    AddressUnresolved,
    Answer,
    AnswerBroken,
    NotConnected,
    Poster,
    PostLimits,
    TooSlow,
    check_url,
)
from shared.delivery.outbound.resolving import SystemResolver
from tests.unit.delivery.outbound.receivers import NEVER, Names, Receiver, answering, receiving

HERE = ("127.0.0.1",)
Open = Callable[..., Poster]


@pytest.fixture
async def poster() -> AsyncIterator[Open]:
    """Make posters that are closed at the end."""
    async with AsyncExitStack() as closing:

        def make(url: str, names: Names | None = None, **given: object) -> Poster:
            settings = {"loopback": True, "tls": httpx.create_ssl_context(trust_env=False), **given}
            made = Poster(url, resolve=(names or Names(HERE)).resolve, **settings)  # type: ignore[arg-type]
            closing.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server of this machine."""
    async with receiving() as opened:
        yield opened


@asynccontextmanager
async def dripping(text: bytes, *, head: bytes = b"") -> AsyncIterator[tuple[str, list[int]]]:
    """A server that sends ``head`` at once, and then a byte every few milliseconds."""
    dripped: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            for byte in text:
                writer.write(bytes([byte]))
                await writer.drain()
                dripped.append(byte)
                await asyncio.sleep(0.005)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", dripped


async def post(poster: Poster, body: bytes = b"{}") -> Answer:
    return await poster.post(headers={"content-type": "application/json"}, body=body)


async def test_what_is_posted_arrives_as_it_is(poster: Open, receiver: Receiver) -> None:
    assert await post(poster(receiver.url), b'{"lead": "1"}') == Answer(200, None)
    (posted,) = receiver.posted
    assert posted.body == b'{"lead": "1"}'
    assert posted.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert posted.headers["content-type"] == "application/json"


async def test_a_connection_is_used_again_and_cookies_are_not(poster: Open, receiver: Receiver) -> None:
    receiver.behave = answering("200 OK", "set-cookie: who=you")
    opened = poster(receiver.url)
    await post(opened)
    await post(opened)
    assert receiver.connections == 1
    assert ["cookie" in one.headers for one in receiver.posted] == [False, False]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_never_followed(
    poster: Open, receiver: Receiver, status: int
) -> None:
    async with receiving() as elsewhere:
        receiver.behave = answering(f"{status} Elsewhere", f"location: {elsewhere.url}")
        assert (await post(poster(receiver.url))).status == status
        assert elsewhere.connections == 0


async def test_the_connection_goes_to_the_address_that_was_checked_whatever_the_name_says_later(
    poster: Open, receiver: Receiver
) -> None:
    """The name points to another address from the second question on, and is asked once."""
    async with receiving(host="127.0.0.2", port=receiver.port) as later:
        names = Names(HERE, ("127.0.0.2",))
        url = f"http://hooks.example.com:{receiver.port}/"
        await post(poster(url, names))
        assert names.asked == ["hooks.example.com"]
        assert (receiver.connections, later.connections) == (1, 0)
        assert receiver.posted[0].headers["host"] == f"hooks.example.com:{receiver.port}"


async def test_a_name_that_turns_private_after_its_check_is_not_reached(
    poster: Open, receiver: Receiver
) -> None:
    names = Names(("93.184.216.34",), HERE)
    opened = poster(f"https://hooks.example.com:{receiver.port}/", names, loopback=False)
    await opened.check()
    with pytest.raises(AddressRefused):
        await post(opened)
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "answer",
    [("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("::ffff:169.254.169.254",), ("fd00::1",)],
)
async def test_one_address_that_is_not_public_spoils_a_name(poster: Open, answer: Sequence[str]) -> None:
    with pytest.raises(AddressRefused):
        await post(poster("https://hooks.example.com/", Names(answer), loopback=False))


async def test_the_next_address_is_tried_where_the_first_takes_no_connection(
    poster: Open, receiver: Receiver
) -> None:
    names = Names(("127.0.0.3", "127.0.0.1"))
    assert (await post(poster(f"http://hooks.example.com:{receiver.port}/", names))).status == 200


async def test_a_host_without_an_address_may_have_one_later(poster: Open) -> None:
    with pytest.raises(AddressUnresolved):
        await post(poster("http://hooks.example.com/", Names(())))


async def test_nobody_who_listens(poster: Open) -> None:
    with socket.socket() as taken:  # bound and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NotConnected):
            await post(poster(f"http://127.0.0.1:{taken.getsockname()[1]}/"))


async def test_somebody_who_never_answers_is_given_up(poster: Open, receiver: Receiver) -> None:
    receiver.behave = lambda _: NEVER
    with pytest.raises(TooSlow):
        await post(poster(receiver.url, limits=PostLimits(whole=timedelta(milliseconds=200))))


async def test_a_head_that_drips_a_byte_at_a_time_is_given_up_when_the_time_for_all_of_it_is_over(
    poster: Open,
) -> None:
    """Each byte comes in good time, and the last one would come in hours."""
    async with dripping(b"HTTP/1.1 200 OK\r\n" + b"x" * 3_000) as (url, dripped):
        with pytest.raises(TooSlow):
            await post(poster(url, limits=PostLimits(whole=timedelta(milliseconds=300))))
        assert dripped


async def test_a_status_counts_though_its_text_drips_and_the_text_is_left_when_the_time_is_over(
    poster: Open,
) -> None:
    async with dripping(b"x" * 3_000, head=b"HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n") as (url, _):
        limits = PostLimits(whole=timedelta(seconds=1))
        assert (await post(poster(url, limits=limits))).status == 200


async def test_of_a_long_answer_only_the_beginning_is_read(poster: Open, receiver: Receiver) -> None:
    """The server never ends its answer: whoever waited for the end would never come back."""
    receiver.behave = lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n" + b"x" * 70_000
    assert (await post(poster(receiver.url, limits=PostLimits(whole=timedelta(hours=1))))).status == 200


async def test_a_status_counts_though_its_text_breaks_off(poster: Open, receiver: Receiver) -> None:
    receiver.behave, receiver.breaks_off = (lambda _: b"HTTP/1.1 204 No\r\ncontent-length: 9\r\n\r\nx"), True
    assert (await post(poster(receiver.url))).status == 204


async def test_noise_is_no_answer(poster: Open, receiver: Receiver) -> None:
    receiver.behave, receiver.breaks_off = (lambda _: b"\x16\x03\x01 what?\r\n\r\n"), True
    with pytest.raises(AnswerBroken):
        await post(poster(receiver.url))


@pytest.mark.parametrize(("told", "wait"), [("120", 120), ("1e9", 86_400), ("-1", 0), ("soon", None)])
async def test_the_wait_that_is_asked_for_is_told_within_a_day(
    poster: Open, receiver: Receiver, told: str, wait: float | None
) -> None:
    receiver.behave = answering("429 Slow down", f"retry-after: {told}")
    assert await post(poster(receiver.url)) == Answer(429, wait)


async def test_a_proxy_of_the_environment_is_not_used(
    poster: Open, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await post(poster(receiver.url))
        assert (proxy.connections, receiver.connections) == (0, 1)


async def test_tls_keeps_the_name_though_the_connection_goes_to_an_address(
    poster: Open, tmp_path: Path
) -> None:
    server, trust = _certified("hooks.example.com", tmp_path)
    async with receiving(tls=server) as receiver:
        opened = poster(f"https://hooks.example.com:{receiver.port}/", tls=trust)
        assert (await post(opened)).status == 200
        assert receiver.names == ["hooks.example.com"]
        assert receiver.posted[0].headers["host"] == f"hooks.example.com:{receiver.port}"
        with pytest.raises(NotConnected):
            await post(poster(f"https://other.example.com:{receiver.port}/", tls=trust))
        assert len(receiver.posted) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https:///path",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[fd00:ec2::254]/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://hooks.example.com:port/",
        "hooks",
        "",
    ],
)
def test_an_address_is_refused_for_its_spelling(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url)


def test_http_is_for_this_machine_and_only_where_that_is_allowed() -> None:
    assert check_url("http://127.0.0.1:9/", loopback=True).port == 9
    with pytest.raises(AddressRefused):
        check_url("http://93.184.216.34/", loopback=True)


async def test_http_to_elsewhere_is_refused_where_this_machine_is_allowed(poster: Open) -> None:
    with pytest.raises(AddressRefused):
        await post(poster("http://hooks.example.com/", Names(("93.184.216.34",))))


async def test_the_machine_resolves_every_spelling_of_itself_to_what_is_refused() -> None:
    resolver = SystemResolver()
    try:
        for host in ("localhost", "127.1", "0x7f000001", "017700000001"):
            opened = Poster(f"https://{host}/", resolve=resolver.resolve, tls=ssl.create_default_context())
            with pytest.raises((AddressRefused, AddressUnresolved)):
                await opened.check()
            await opened.close()
        assert await resolver.resolve("no.such.host.invalid\0", 443) == ()
    finally:
        resolver.close()


def _certified(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server of this name shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("10.9.9.9"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))
