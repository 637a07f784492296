"""What every provider of hooks is made of.

A provider is data and a few functions: which secrets it needs, how a delivery is verified, greeted
and taken apart, what the vendor wants to hear, and how one item is read. The route, the cache of
secrets, the quarantine and the errands are the same for all (``services/ingest/api/hooks``,
``services/ingest/jobs/hooks``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import httpx

from services.ingest.domain.dialects.hooks import Errand, HookReader
from services.ingest.domain.identifiers import IdentifierKind
from shared.kernel.errors import Rejected, Unavailable, Verdict
from shared.kernel.instants import Instant


class SignatureMissing(Rejected):
    """The delivery is not signed; set the same secret with the vendor and in `leadmill hook add`."""

    code = "hook.signature_missing"


class SignatureInvalid(Rejected):
    """The signature does not fit; set the same secret with the vendor and in `leadmill hook add`."""

    code = "hook.signature_invalid"


class SignatureTooOld(Rejected):
    """The signature was made too long ago, or a clock is wrong; send it again, signed anew."""

    code = "hook.signature_too_old"


class DeliveryUnreadable(Rejected):
    """The body is not what this vendor sends; look whether the address belongs to another provider."""

    code = "hook.unreadable"


class HookNotSetUp(Unavailable):
    """This source lacks a secret of this provider; run `leadmill hook add`, what is sent then counts."""

    code = "hook.not_set_up"

    def __init__(self) -> None:
        super().__init__(retry_after=60.0)


class VendorUnavailable(Unavailable):
    """The vendor does not answer as it should; it is asked again."""

    code = "hook.vendor_unavailable"


class VendorBusy(VendorUnavailable):
    """The vendor wants to be asked less often; it is asked again after a while."""

    code = "hook.vendor_busy"


class VendorTokenRefused(VendorUnavailable):
    """The vendor refuses our token; make a new one there and give it to `leadmill hook add`."""

    code = "hook.token_refused"


class LeadGone(Rejected):
    """The vendor no longer has this lead; it was deleted there before it was fetched."""

    code = "hook.lead_gone"


class SecretName(NamedTuple):
    """One thing that a source sets for a provider, and what it is, in one sentence.

    One that is not a ``is_secret`` is shown by `leadmill hook show`, as an address or a page's id.
    """

    name: str
    explanation: str
    is_optional: bool = False
    is_secret: bool = True


class Secrets:
    """What a source has set for a provider; shows itself to nobody."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def get(self, name: str) -> str | None:
        """Return a secret, None if it is not set."""
        return self._values.get(name) or None

    def need(self, name: str) -> str:
        """Return a secret. :raises HookNotSetUp: if it is not set."""
        value = self.get(name)
        if value is None:
            raise HookNotSetUp
        return value

    def is_on(self, name: str) -> bool:
        """Return whether a switch is set to yes, true, on or 1."""
        return (self.get(name) or "").strip().lower() in {"yes", "true", "on", "1"}

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request of a vendor. ``url`` is the public one, query included; header names are lower case.

    ``query`` is decoded; ``body`` is as it came, unpacked where it was gzip.
    """

    method: str
    url: str
    headers: Mapping[bytes, str]
    query: Mapping[str, list[str]]
    body: bytes
    received: Instant

    def header(self, name: str) -> str | None:
        """Return a header's value, None if there is none or it is empty."""
        return self.headers.get(name.lower().encode(), "").strip() or None

    def parameter(self, name: str) -> str | None:
        """Return the last value of a parameter of the query, None if there is none."""
        values = self.query.get(name)
        return values[-1] if values else None


class Reply(NamedTuple):
    """What a vendor is answered."""

    status: int
    body: bytes
    media_type: str = "application/json"


class HookItem(NamedTuple):
    """One item of a delivery: its kind, its verbatim bytes, what names it, and who it is about.

    ``message_id`` is the same whenever the vendor sends it again; one that ``names_person``, by an openid
    or the like, is hashed under the deployment's key before it is used. ``key`` is made by :func:`key_of`.
    A lead that a client lists and that never changes carries the vendor's id besides: one that is known
    is passed over for good, and not only as long as messages are remembered.
    """

    kind: str
    body: bytes
    message_id: str | None
    key: tuple[IdentifierKind, str] | None = None
    external_id: str | None = None
    names_person: bool = False


class Page(NamedTuple):
    """Leads that the vendor lists, and where the list goes on; None at its end."""

    items: Sequence[HookItem]
    next: str | None = None


class Client(Protocol):
    """Asks a vendor for what its deliveries do not carry, or never brought. Never called by a request.

    Every method raises :class:`VendorUnavailable` (or one of its kinds) if it should be tried again.
    """

    async def fetch(self, errand: Errand) -> HookItem:
        """Return the lead's content as an item. :raises LeadGone: if there is no such lead any more."""
        ...

    async def list_streams(self) -> Sequence[str]:
        """Return what is listed by itself, as forms are, each with a position that is remembered."""
        ...

    async def list_leads(self, stream: str, *, since: Instant, until: Instant, cursor: str | None) -> Page:
        """Return a page of the leads that came in from ``since`` on and before ``until``."""
        ...


ClientFactory = Callable[[Secrets, httpx.AsyncClient], Client]

Verify = Callable[[Delivery, Secrets], None]
Greet = Callable[[Delivery, Secrets], Reply | None]
Split = Callable[[Delivery, Secrets], Sequence[HookItem]]
Refuse = Callable[[Verdict, int], Reply | None]


def greet_nobody(_delivery: Delivery, _secrets: Secrets) -> Reply | None:
    """Have no answer to a GET."""
    return None


def refuse_as_problem(_verdict: Verdict, _status: int) -> Reply | None:
    """Leave the answer to the front door's own: a problem with ``code`` and ``message``."""
    return None


def trust_the_address(_delivery: Delivery, _secrets: Secrets) -> None:
    """Verify nothing more: the vendor signs nothing, and the address is not to be guessed."""


ACCEPTED: Final = Reply(200, b'{"success":true}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One vendor.

    ``name`` stands in the address, ``title`` is for people; ``steps`` say how to set it up there, one
    sentence each, with ``{address}`` where the address goes. ``verify`` looks at the raw bytes and
    raises :class:`SignatureMissing`, :class:`SignatureInvalid` or :class:`SignatureTooOld`. ``greet``
    answers a GET, and a POST that is no delivery but a challenge; None means that it is none. ``split``
    takes a verified delivery apart and raises :class:`DeliveryUnreadable`. ``accepted`` is what the
    vendor wants to hear, ``refuse`` the same for a refusal. ``readers`` map each kind of item, which
    begins with the provider's name, to its mapping.
    """

    name: str
    title: str
    steps: Sequence[str]
    split: Split
    readers: Mapping[str, HookReader]
    secrets: Sequence[SecretName] = ()
    verify: Verify = trust_the_address
    greet: Greet = greet_nobody
    accepted: Reply = ACCEPTED
    refuse: Refuse = refuse_as_problem
    client: ClientFactory | None = field(default=None)


def key_of(
    *, email: object = None, phone: object = None, external: object = None
) -> tuple[IdentifierKind, str] | None:
    """Return by what an item is kept in order with others of the same person: the first that is there."""
    for kind, value in (
        (IdentifierKind.EMAIL, email),
        (IdentifierKind.PHONE, phone),
        (IdentifierKind.EXTERNAL, external),
    ):
        text = str(value).strip() if isinstance(value, str | int) else ""
        if text:
            return kind, text.lower() if kind is IdentifierKind.EMAIL else text
    return None
