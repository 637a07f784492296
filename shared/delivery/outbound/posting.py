"""One POST to an address that somebody named, and never to anywhere else.

The host is resolved once for an attempt, every address it has must be allowed, and the connection goes
to one of those very addresses, while TLS and the Host header keep the name. A name that points
elsewhere a moment later therefore changes nothing. Redirects are answers, not ways to go; no proxy of
the environment steps in between, because it would resolve anew.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, NamedTuple

import httpx

from shared.delivery.outbound.addresses import is_loopback, is_public
from shared.delivery.outbound.resolving import Resolve
from shared.kernel.errors import Rejected, Unavailable

_MOST_ADDRESSES: Final = 3
_LONGEST_WAIT_ASKED: Final = 86_400.0


class AddressRefused(Rejected):
    """The address must be https and lead to the public internet, whatever it resolves to."""

    code = "outbound.address_refused"


class AddressUnresolved(Unavailable):
    """The host has no address now; look at its name server."""

    code = "outbound.unresolved"


class NotConnected(Unavailable):
    """No connection came about, or its certificate is not the host's."""

    code = "outbound.not_connected"


class TooSlow(Unavailable):
    """There was no answer in time."""

    code = "outbound.timeout"


class AnswerBroken(Unavailable):
    """What came back is no answer of HTTP."""

    code = "outbound.broken"


class Answer(NamedTuple):
    """What was answered; ``retry_after`` is the wait in seconds that was asked for, if one was."""

    status: int
    retry_after: float | None


class PostLimits(NamedTuple):
    """How long a connection and a whole attempt may take, and how much of an answer is read."""

    connect: timedelta = timedelta(seconds=5)
    whole: timedelta = timedelta(seconds=15)
    answer_bytes: int = 16_384


def public_trust() -> ssl.SSLContext:
    """Return the usual trust in certificates: the known authorities, or those of ``SSL_CERT_FILE``."""
    return httpx.create_ssl_context()


def check_url(url: str, *, loopback: bool = False) -> httpx.URL:
    """Return an address that may be tried; ``loopback`` allows http and this machine.

    :raises AddressRefused: if it is malformed, carries a password, is not https, or names an address
        that is not public.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        problem = "the address is malformed; it is written https://crm.example.com/leads"
        raise AddressRefused(problem) from None
    if parsed.userinfo or parsed.fragment:
        raise AddressRefused("leave user, password and fragment out of the address")
    if not parsed.host or parsed.scheme not in ({"http", "https"} if loopback else {"https"}):
        raise AddressRefused
    literal = parsed.host.strip("[]")
    if _is_literal(literal):
        _check(parsed, [literal], loopback=loopback)
    return parsed


class Poster:
    """Posts to one address and keeps connections to it open.

    One address only, because a connection is told from another by where it goes and not by the name
    that was proven on it. ``tls`` is the trust in certificates, ``loopback`` allows this machine, for
    trials.
    """

    def __init__(
        self,
        url: str,
        *,
        resolve: Resolve,
        tls: ssl.SSLContext,
        limits: PostLimits | None = None,
        loopback: bool = False,
    ) -> None:
        self._url = url
        self._resolve = resolve
        self._limits = limits or PostLimits()
        self._loopback = loopback
        self._http = httpx.AsyncClient(
            verify=tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(
                self._limits.whole.total_seconds(), connect=self._limits.connect.total_seconds()
            ),
        )

    async def check(self) -> None:
        """Return if the address may be posted to as its name resolves now.

        :raises AddressRefused: if it may not.
        :raises AddressUnresolved: if its host has no address.
        """
        async with _in_time(self._limits.whole):
            await self._find(check_url(self._url, loopback=self._loopback))

    async def post(self, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post and return what was answered, whatever it was; the answer's text is thrown away.

        :raises AddressRefused: if the address may not be reached; nothing was connected.
        :raises Unavailable: if there was no answer.
        """
        told: list[Answer] = []
        try:
            async with _in_time(self._limits.whole):
                parsed = check_url(self._url, loopback=self._loopback)
                addresses = await self._find(parsed)
                await self._post_to(addresses, parsed, headers, body, told)
        except TooSlow:
            if not told:  # a status that has come counts, however slowly its text drips
                raise
        finally:
            self._http.cookies.clear()
        return told[0]

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def _find(self, url: httpx.URL) -> Sequence[str]:
        found = await self._resolve(url.raw_host.decode("ascii").strip("[]"), url.port or _port_of(url))
        if not found:
            raise AddressUnresolved
        _check(url, found, loopback=self._loopback)
        return found[:_MOST_ADDRESSES]

    async def _post_to(
        self,
        addresses: Sequence[str],
        url: httpx.URL,
        headers: Mapping[str, str],
        body: bytes,
        told: list[Answer],
    ) -> None:
        for place, address in enumerate(addresses, 1):
            try:
                async with self._http.stream(
                    "POST",
                    url.copy_with(host=address),
                    headers={**headers, "host": url.netloc.decode("ascii"), "accept-encoding": "identity"},
                    content=body,
                    extensions={"sni_hostname": url.raw_host.decode("ascii").strip("[]")},
                ) as answer:
                    told.append(Answer(answer.status_code, _wait_of(answer.headers.get("retry-after"))))
                    await self._read_some(answer)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if place == len(addresses):
                    raise NotConnected from None
            except httpx.TimeoutException:
                raise TooSlow from None
            except (httpx.HTTPError, ssl.SSLError):
                if not told:
                    raise AnswerBroken from None
                return
            else:
                return

    async def _read_some(self, answer: httpx.Response) -> None:
        """Read a short answer to its end, so that the connection can be used again; leave a long one."""
        read = 0
        async for piece in answer.aiter_raw():
            read += len(piece)
            if read > self._limits.answer_bytes:
                return


@asynccontextmanager
async def _in_time(span: timedelta) -> AsyncIterator[None]:
    """Run the body under a deadline whose passing is a verdict."""
    try:
        async with asyncio.timeout(span.total_seconds()):
            yield
    except TimeoutError:
        raise TooSlow from None


def _check(url: httpx.URL, addresses: Sequence[str], *, loopback: bool) -> None:
    """Look at every address: one that is not allowed spoils the name, for it may be the next one used."""
    if loopback and all(is_loopback(address) for address in addresses):
        return
    if url.scheme != "https" or not all(is_public(address) for address in addresses):
        raise AddressRefused


def _is_literal(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


def _port_of(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _wait_of(told: str | None) -> float | None:
    try:
        return None if told is None else min(max(float(told), 0.0), _LONGEST_WAIT_ASKED)
    except ValueError:
        return None
