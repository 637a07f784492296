"""The HTTP servers of a process as activities: the public port and the admin port."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.admin import build_admin_app
from shared.http.app import PrefixDispatch
from shared.http.problems import PROBLEM_JSON, send_json
from shared.http.serving import serve
from shared.runtime.health import Health
from shared.runtime.service import Activity, Service, until_stopped


def api_server(
    services: Sequence[Service],
    *,
    sockets: Sequence[socket.socket],
    grace: timedelta,
    trusted_proxies: str = "",
) -> Activity:
    """Return the activity that answers for all services that have an application, each under its prefix."""
    app = dispatch_to(services)
    return until_stopped(
        "http",
        lambda stopping: serve(
            app, sockets=sockets, stopping=stopping, grace=grace, trusted_proxies=trusted_proxies
        ),
    )


def admin_server(
    *, health: Health, registry: CollectorRegistry, sockets: Sequence[socket.socket]
) -> Activity:
    """Return the activity that answers on the admin port."""
    app = build_admin_app(health=health, registry=registry)
    return until_stopped(
        "admin", lambda stopping: serve(app, sockets=sockets, stopping=stopping, grace=timedelta(seconds=1))
    )


def dispatch_to(services: Sequence[Service]) -> ASGIApp:
    """Return one application for all services; at the root stands the one whose prefix is empty."""
    apps = {
        prefix: service.app
        for service in services
        if service.app is not None
        for prefix in (service.prefix, *service.also)
    }
    root = apps.pop("", None)
    return PrefixDispatch(apps, root=root or _nothing_here)


async def _nothing_here(_scope: Scope, _receive: Receive, send: Send) -> None:
    body = b'{"success":false,"code":"http.not_found","message":"Nothing is served here.","status":404}'
    await send_json(send, 404, body, media_type=PROBLEM_JSON)
