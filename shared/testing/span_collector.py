"""A collector of spans on loopback, for tests: it takes OTLP in JSON and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass
class SpanCollector:
    """A context manager. ``status`` is what it answers; with ``is_silent`` it takes and never answers."""

    status: int = 200
    is_silent: bool = False
    requests: list[str] = field(default_factory=list)
    """The bodies that were posted."""

    def __post_init__(self) -> None:
        self._over = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                collector.requests.append(body)
                if collector.is_silent:
                    collector._over.wait()
                    return
                self.send_response(collector.status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # the library's name
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def address(self) -> str:
        """Where spans are posted to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    def spans(self) -> list[dict[str, Any]]:
        """Return every span so far, with ``service`` beside what was sent and attributes as a mapping."""
        return [span for body in list(self.requests) for span in _spans_of(json.loads(body))]

    def hang_up(self) -> None:
        """End the requests that a silent collector holds, without an answer, and hold none from now on."""
        self._over.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _spans_of(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in request["resourceSpans"]:
        service = _mapping(resource["resource"]["attributes"])["service.name"]
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield {**span, "service": service, "attributes": _mapping(span["attributes"])}


def _mapping(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in attributes}
