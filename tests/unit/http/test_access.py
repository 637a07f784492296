"""Who may use a route."""

from __future__ import annotations

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter

from shared.http.access import require
from shared.kernel.instants import Instant
from shared.security.credential_cache import CredentialStoreUnavailable
from shared.security.tokens import Principal, Role
from tests.unit.http.conftest import NOW, Call


class FakeAuthority:
    """Knows one token per role, named after it."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked_at: list[Instant] = []

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        self.asked_at.append(now)
        if self.is_away:
            raise CredentialStoreUnavailable
        known: dict[str, Role] = {"a": "admin", "r": "rep", "s": "service"}
        role = known.get(token)
        return None if role is None else Principal(id=token, name=token, role=role, subject="rep-7")


@pytest.fixture
def authority() -> FakeAuthority:
    return FakeAuthority()


@pytest.fixture
def client(client_of: Call, authority: FakeAuthority) -> httpx.AsyncClient:
    router = APIRouter()

    @router.get("/mine")
    async def get_mine(principal: Annotated[Principal, require("rep", "manager")]) -> dict[str, str | None]:
        return {"role": principal.role, "subject": principal.subject}

    return client_of(routers=[router], authority=authority)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


class TestARoute:
    async def test_is_open_to_the_roles_it_names_and_to_administrators(
        self, client: httpx.AsyncClient, authority: FakeAuthority
    ) -> None:
        assert (await client.get("/mine", headers=bearer("r"))).json() == {"role": "rep", "subject": "rep-7"}
        assert (await client.get("/mine", headers=bearer("a"))).json()["role"] == "admin"
        assert authority.asked_at == [NOW, NOW]

    async def test_is_closed_to_other_roles(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/mine", headers=bearer("s"))
        assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")

    @pytest.mark.parametrize("headers", [{}, bearer("x"), bearer(""), {"authorization": "Basic eDp5"}])
    async def test_is_closed_without_a_token_that_works(
        self, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        answer = await client.get("/mine", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "access.unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_is_unavailable_and_not_closed_while_tokens_cannot_be_checked(
        self, client: httpx.AsyncClient, authority: FakeAuthority
    ) -> None:
        authority.is_away = True
        answer = await client.get("/mine", headers=bearer("r"))
        assert (answer.status_code, answer.json()["code"]) == (503, "access.store_unavailable")

    async def test_documents_that_it_needs_a_token(self, client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        assert document["paths"]["/mine"]["get"]["security"] == [{"HTTPBearer": []}]
