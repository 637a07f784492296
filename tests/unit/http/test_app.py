"""A service's application: how it fails, what it measures, what it lets through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from shared.http.app import PrefixDispatch
from shared.http.bodies import read_body
from shared.http.hot_routes import HotRoute
from shared.http.observation import trace_of
from shared.http.problems import TooManyRequests, send_json
from shared.kernel.errors import Duplicate, Rejected, Unavailable
from shared.telemetry.instruments import expose
from tests.unit.http.conftest import Call

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "zhang.wei@fixture-mail.example"


class Thing(BaseModel):
    count: int


class Raising:
    """Routes that fail with whatever is put here."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.router = APIRouter(prefix="/test/v1")
        inner = APIRouter()

        @inner.get("/things/{thing}")
        async def get_thing(thing: str) -> dict[str, str]:
            if self.error is not None:
                raise self.error
            return {"thing": thing}

        @inner.post("/things")
        async def add_thing(thing: Thing) -> Thing:
            return thing

        self.router.include_router(inner, prefix="/inner")


class Echo:
    """A hot route that gives the body back."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive)
        if body == b"refuse":
            raise Rejected("body is not valid JSON", code="invalid_json")
        if body == b"fail":
            raise KeyError(SECRET)
        await send_json(send, 200, body or json.dumps(scope.get("path_params", {})).encode())


@pytest.fixture
def raising() -> Raising:
    return Raising()


@pytest.fixture
def client(client_of: Call, raising: Raising) -> httpx.AsyncClient:
    operation = {"summary": "Echo", "responses": {"200": {"description": "The body"}}}
    hot = [
        HotRoute(path="/v1/batch", app=Echo(), operation=operation),
        HotRoute(path="/f/{form}", app=Echo(), methods=("GET", "POST")),
    ]
    return client_of(
        routers=[raising.router], hot_routes=hot, statuses={"invalid_json": 400, "thing.gone": 410}
    )


class TestAProblem:
    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (Rejected("no"), 400),
            (Rejected("no", code="thing.unknown"), 404),
            (Rejected("no", code="thing.not_found"), 404),
            (Rejected("no", code="thing.conflict"), 409),
            (Rejected("no", code="thing.gone"), 410),
            (Rejected("no", code="access.forbidden"), 403),
            (Unavailable("later"), 503),
            (TooManyRequests("slower", retry_after=7.2), 429),
            (Duplicate("again"), 200),
        ],
    )
    async def test_has_the_status_of_its_verdict_and_every_member_that_clients_read(
        self, client: httpx.AsyncClient, raising: Raising, error: Rejected, status: int
    ) -> None:
        raising.error = error
        answer = await client.get("/test/v1/inner/things/1")
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert len(body.pop("trace_id")) == 32
        assert body.pop("title")
        assert body == {
            "success": status == 200,
            "code": error.reason,
            "message": error.message,
            "error": error.reason,
            "type": f"urn:leadmill:problem:{error.reason}",
            "status": status,
            "detail": error.message,
        }

    async def test_says_in_whole_seconds_when_to_come_back(
        self, client: httpx.AsyncClient, raising: Raising
    ) -> None:
        raising.error = TooManyRequests("slower", retry_after=7.2)
        answer = await client.get("/test/v1/inner/things/1")
        assert (answer.headers["retry-after"], answer.headers["x-ratelimit-reset"]) == ("8", "8")
        raising.error = Unavailable("later", retry_after=0.1)
        assert (await client.get("/test/v1/inner/things/1")).headers["retry-after"] == "1"

    async def test_of_a_bug_tells_the_client_nothing(
        self, client: httpx.AsyncClient, raising: Raising
    ) -> None:
        raising.error = ValueError(SECRET)
        answer = await client.get("/test/v1/inner/things/1")
        assert answer.status_code == 500
        assert answer.json()["code"] == "internal.bug"
        assert SECRET not in answer.text

    async def test_names_the_fields_that_are_wrong(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/test/v1/inner/things", json={"count": SECRET})
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
        assert [fault["field"] for fault in answer.json()["errors"]] == ["body.count"]
        assert SECRET not in answer.text

    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/nothing", 404, "http.not_found"),
            ("DELETE", "/test/v1/inner/things", 405, "http.method_not_allowed"),
            ("GET", "/v1/batch", 405, "http.method_not_allowed"),
            ("POST", "/v1/batches/", 404, "http.not_found"),
        ],
    )
    async def test_is_what_an_unknown_address_or_method_gets_and_never_a_redirect(
        self, client: httpx.AsyncClient, method: str, path: str, status: int, code: str
    ) -> None:
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_is_what_too_large_and_broken_json_get(self, client_of: Call, raising: Raising) -> None:
        client = client_of(routers=[raising.router], largest_body=100)
        too_large = await client.post("/test/v1/inner/things", content=b'{"count": ' + b" " * 100 + b"1}")
        assert (too_large.status_code, too_large.json()["code"]) == (413, "body.too_large")

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield b" " * 10

        chunked = await client.post(
            "/test/v1/inner/things", content=pieces(), headers={"content-type": "application/json"}
        )
        assert (chunked.status_code, chunked.json()["code"]) == (413, "body.too_large")
        broken = await client.post(
            "/test/v1/inner/things", content=b'{"count": ', headers={"content-type": "application/json"}
        )
        assert (broken.status_code, broken.json()["code"]) == (422, "request.invalid")


class TestAHotRoute:
    async def test_answers_by_itself(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/batch", content=b'{"success":true}')
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert answer.headers["content-type"] == "application/json"

    async def test_may_have_parameters(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/f/contact-us")).json() == {"form": "contact-us"}

    async def test_fails_like_every_other(self, client: httpx.AsyncClient) -> None:
        refused = await client.post("/v1/batch", content=b"refuse")
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_json")
        failed = await client.post("/v1/batch", content=b"fail")
        assert (failed.status_code, failed.json()["code"]) == (500, "internal.bug")
        assert SECRET not in failed.text

    async def test_is_documented_beside_the_others(self, client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        assert document["paths"]["/v1/batch"]["post"]["summary"] == "Echo"
        assert "/test/v1/inner/things/{thing}" in document["paths"]
        assert "/f/{form}" not in document["paths"]
        assert document == (await client.get("/openapi.json")).json()


class TestARequest:
    async def test_is_measured_by_the_template_of_its_route(
        self, client: httpx.AsyncClient, raising: Raising, registry: CollectorRegistry
    ) -> None:
        await client.get("/test/v1/inner/things/secret-1")
        await client.get("/f/secret-2")
        await client.get("/secret-3")
        await client.request("SECRET-4", "/secret-4")
        raising.error = Rejected("no", code="thing.unknown")
        await client.get("/test/v1/inner/things/secret-5")

        def count(method: str, route: str, status: str) -> float | None:
            labels = {"service": "test", "method": method, "route": route, "status_code": status}
            return registry.get_sample_value("http_server_request_duration_seconds_count", labels)

        assert count("GET", "/test/v1/inner/things/{thing}", "200") == 1
        assert count("GET", "/test/v1/inner/things/{thing}", "404") == 1
        assert count("GET", "/f/{form}", "200") == 1
        assert count("GET", "", "404") == 1
        assert count("OTHER", "", "404") == 1
        assert (
            registry.get_sample_value("leads_refusals_total", {"service": "test", "code": "thing.unknown"})
            == 1
        )
        assert "secret" not in expose(registry).decode().lower()

    async def test_goes_on_with_the_trace_it_came_with(
        self, client: httpx.AsyncClient, raising: Raising
    ) -> None:
        raising.error = Rejected("no")
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert (await client.get("/test/v1/inner/things/1", headers=headers)).json()["trace_id"] == TRACE
        fresh = await client.get("/test/v1/inner/things/1", headers={"traceparent": "nonsense"})
        assert fresh.json()["trace_id"] != TRACE

    async def test_is_refused_at_once_when_there_is_no_room(self, client_of: Call) -> None:
        leave, entered = asyncio.Event(), asyncio.Semaphore(0)

        async def wait(scope: Scope, receive: Receive, send: Send) -> None:
            assert len(trace_of(scope).trace_id) == 32
            entered.release()
            await leave.wait()
            await send_json(send, 200, b"{}")

        client = client_of(hot_routes=[HotRoute(path="/wait", app=wait, methods=("GET",))], most_in_flight=2)
        inside = [asyncio.create_task(client.get("/wait")) for _ in range(2)]
        for _ in inside:
            await entered.acquire()
        refused = await client.get("/wait", headers={"origin": "https://shop.example"})
        assert (refused.status_code, refused.json()["code"]) == (503, "http.busy")
        assert refused.headers["retry-after"] == "1"
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
        leave.set()
        assert [(await answer).status_code for answer in inside] == [200, 200]
        assert (await client.get("/wait")).status_code == 200

    async def test_whose_client_went_away_is_counted_and_is_no_error(
        self, client_of: Call, registry: CollectorRegistry
    ) -> None:
        async def leave(scope: Scope, receive: Receive, send: Send) -> None:
            raise ClientDisconnect

        client = client_of(hot_routes=[HotRoute(path="/leave", app=leave, methods=("GET",))])
        with pytest.raises(AssertionError):  # httpx misses an answer; nobody else is there to miss it
            await client.get("/leave")
        labels = {"service": "test", "method": "GET", "route": "/leave", "status_code": "499"}
        assert registry.get_sample_value("http_server_request_duration_seconds_count", labels) == 1


class TestCors:
    async def test_lets_senders_of_cloudevents_deliver_who_ask(self, client: httpx.AsyncClient) -> None:
        """HTTP 1.1 Web Hooks for Event Delivery, 4.2: the answer names the origin, and the rate if asked."""
        asked = {"webhook-request-origin": "eventgrid.example", "webhook-request-rate": "120"}
        answer = await client.options("/v1/events", headers=asked)
        assert answer.status_code == 200
        assert answer.headers["webhook-allowed-origin"] == "eventgrid.example"
        assert answer.headers["webhook-allowed-rate"] == "*"
        assert answer.headers["allow"] == "POST"
        plain = await client.options("/v1/events", headers={"origin": "https://a.test"})
        assert plain.status_code == 204
        assert "webhook-allowed-origin" not in plain.headers

    async def test_answers_a_preflight_for_any_page_and_any_header(self, client: httpx.AsyncClient) -> None:
        for origin in ("https://shop.example", "null"):
            answer = await client.options(
                "/v1/batch",
                headers={
                    "origin": origin,
                    "access-control-request-method": "POST",
                    "access-control-request-headers": "anonymousid,authorization,rsa-retry-attempt",
                },
            )
            assert answer.status_code == 204
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert (
                answer.headers["access-control-allow-headers"]
                == "anonymousid,authorization,rsa-retry-attempt"
            )
            assert {"GET", "POST", "OPTIONS"} <= set(
                answer.headers["access-control-allow-methods"].split(",")
            )
            assert answer.headers["access-control-max-age"] == "7200"
            assert answer.headers["vary"] == "Origin, Access-Control-Request-Headers"

    @pytest.mark.parametrize("body", [b"{}", b"refuse", b"fail"])
    async def test_marks_successes_refusals_and_failures_alike(
        self, client: httpx.AsyncClient, body: bytes
    ) -> None:
        answer = await client.post("/v1/batch", content=body, headers={"origin": "https://shop.example"})
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert exposed == ["Retry-After", "X-RateLimit-Reset", "Idempotency-Replayed"]
        assert answer.headers["vary"] == "Origin"

    async def test_says_nothing_to_who_is_no_page(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/batch", content=b"{}")
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_several_services_share_a_port_by_the_first_segment_of_the_path() -> None:
    def named(name: bytes) -> Any:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send_json(send, 200, name)

        return app

    apps = {"/scoring": named(b"scoring"), "/routing": named(b"routing")}
    dispatch = PrefixDispatch(apps, root=named(b"ingest"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(dispatch), base_url="http://test") as client:
        assert (await client.get("/scoring/v1/leads")).text == "scoring"
        assert (await client.get("/routing")).text == "routing"
        assert (await client.get("/v1/batch")).text == "ingest"
        assert (await client.get("/scoringx/v1")).text == "ingest"
        assert (await client.get("/")).text == "ingest"
