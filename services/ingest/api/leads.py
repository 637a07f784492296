"""Asking for a lead, by what a person knows of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.api.admission.authentication import query_of
from services.ingest.api.documentation.native import FoundLeads
from services.ingest.api.documentation.operations import search_operation
from services.ingest.queries.leads import ShownLead
from shared.http.access import Authority, Forbidden, Unauthenticated
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.security.tokens import Principal

SEES_NO_CONTACT: Final = frozenset({"read"})
"""Roles that read attributes and sources and are shown nothing that names a person."""


class QueryIncomplete(Rejected):
    """Ask by email, by phone, or by source together with external_id."""

    code = "leads.query_incomplete"


class FindLeads(Protocol):
    """Finds leads; ``services.ingest.queries.leads`` does."""

    def __call__(
        self, *, email: str | None, phone: str | None, source: str | None, external_id: str | None
    ) -> Awaitable[Sequence[ShownLead]]:
        """Return the leads that match, as they are shown; none if there are none."""
        ...


def lead_routes(*, find_leads: FindLeads, authority: Authority | None, clock: Clock) -> list[HotRoute]:
    """Return the route of asking for leads."""
    search = _lead_search(find_leads, authority, clock)
    return [
        HotRoute(
            path="/v1/leads",
            methods=("GET",),
            app=search,
            operation=search_operation(),
            schemas=(FoundLeads,),
        )
    ]


def _lead_search(
    find_leads: FindLeads, authority: Authority | None, clock: Clock
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def search_leads(scope: Scope, _receive: Receive, send: Send) -> None:
        principal = await _principal_of(scope, authority, clock)
        rep = rep_of(principal)
        query = query_of(scope)
        asked = {name: _last(query, name) for name in ("email", "phone", "source", "external_id")}
        if not (asked["email"] or asked["phone"] or (asked["source"] and asked["external_id"])):
            raise QueryIncomplete
        found = [one for one in await find_leads(**asked) if rep is None or one.owner == rep]
        if principal.role in SEES_NO_CONTACT:
            found = [one.without_contact() for one in found]
        await send_json(send, 200, msgspec.json.encode({"leads": found}))

    return search_leads


async def _principal_of(scope: Scope, authority: Authority | None, clock: Clock) -> Principal:
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = header.decode("latin-1").partition(" ")
    if authority is None or scheme.lower() != "bearer":
        raise Unauthenticated
    principal = await authority.principal_of(token.strip(), now=clock.now())
    if principal is None:
        raise Unauthenticated
    return principal


def rep_of(principal: Principal) -> str | None:
    """Return the rep whose own leads a token is limited to, None if it is not.

    :raises Forbidden: for a rep's token that names no rep.
    """
    if principal.role != "rep":
        return None
    if principal.subject is None:
        raise Forbidden("this token names no rep; make one with `--subject`")
    return principal.subject


def _last(query: Mapping[str, list[str]], name: str) -> str | None:
    values = query.get(name)
    return values[-1].strip() or None if values else None
