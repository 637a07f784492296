"""A service over HTTP, through the real application, asked by whoever a test names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import httpx
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from shared.http.app import build_app
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant
from shared.security.tokens import ROLES, Principal


class RoleByName:
    """Takes a token for the role that it names; ``rep-2`` is a rep of that id, ``stray`` one of none."""

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        if token.startswith("rep-"):
            return Principal(id=token, name=token, role="rep", subject=token)
        if token == "stray":
            return Principal(id=token, name=token, role="rep")
        return Principal(id=token, name=token, role=token) if token in ROLES else None


def app_of(
    service: str,
    routers: Sequence[APIRouter],
    *,
    clock: Clock,
    statuses: Mapping[str, int],
    stopping: asyncio.Event | None = None,
) -> FastAPI:
    """A service's application, to which tokens are the names of roles."""
    return build_app(
        title=service.title(),
        service=service,
        version="0",
        registry=CollectorRegistry(),
        clock=clock,
        stopping=stopping or asyncio.Event(),
        routers=routers,
        statuses=statuses,
        authority=RoleByName(),
    )


def client_of(app: FastAPI, *, by: str = "") -> httpx.AsyncClient:
    """Somebody who asks, with a token if one is named."""
    headers = {"authorization": f"Bearer {by}"} if by else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers)
