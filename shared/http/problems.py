"""One error body for everybody: RFC 9457, with the members that clients of the SDK protocol need.

Some SDKs send a refused request again for ever unless the body has a string ``code`` and a
``message``; so ours has both beside ``type``, ``title``, ``status`` and ``detail``. The code is
the verdict's; texts say what to do and never repeat what was sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.types import Send

from shared.kernel.errors import BUG_CODE, Duplicate, Rejected, Unavailable, Verdict

PROBLEM_JSON: Final = "application/problem+json"

_STATUS_OF_CODE: Final[Mapping[str, int]] = {
    "access.unauthenticated": 401,
    "access.forbidden": 403,
    "http.not_found": 404,
    "http.method_not_allowed": 405,
    "http.not_acceptable": 406,
    "http.too_many_requests": 429,
    "body.too_slow": 408,
    "body.too_large": 413,
    "body.encoding": 415,
    "request.invalid": 422,
    "command.key_reused": 422,
}
_STATUS_OF_LAST_WORD: Final[Mapping[str, int]] = {
    "not_found": 404,
    "unknown": 404,
    "taken": 409,
    "conflict": 409,
    "stale": 409,
}


class TooManyRequests(Unavailable):
    """You are sending faster than was agreed; wait as long as Retry-After says."""

    code = "http.too_many_requests"


class Busy(Unavailable):
    """This process has as much work as it can hold; send it again shortly."""

    code = "http.busy"


class Stopping(Unavailable):
    """This process is being stopped and could not finish in time; send it again, another takes over."""

    code = "http.stopping"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer that is no success, ready to be written."""

    success: bool
    code: str
    message: str
    error: str
    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    trace_id: str | None = None
    errors: Sequence[Mapping[str, str]] = ()


def status_of(verdict: Verdict, statuses: Mapping[str, int] | None = None) -> int:
    """Return the HTTP status of a verdict.

    A service's own table comes first, then ours, by the whole code. After that the code's last word
    decides (``….unknown`` is 404, ``….taken`` is 409), and last the kind of verdict: 400, 503, 200.
    """
    code = verdict.reason
    for table in (statuses or {}, _STATUS_OF_CODE):
        if code in table:
            return table[code]
    if isinstance(verdict, Duplicate):
        return 200
    if isinstance(verdict, Rejected):
        return _STATUS_OF_LAST_WORD.get(code.rpartition(".")[2], 400)
    return 503


def make_problem(
    *,
    status: int,
    code: str,
    message: str,
    field: str | None = None,
    trace_id: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
) -> Problem:
    """Return a problem with the members that follow from the code."""
    return Problem(
        success=status < 400,
        code=code,
        message=message,
        error=code,
        type=f"urn:leadmill:problem:{code}",
        title=code.replace(".", ": ").replace("_", " ").capitalize(),
        status=status,
        detail=message,
        field=field,
        trace_id=trace_id,
        errors=errors,
    )


def problem_of(
    error: Exception, *, statuses: Mapping[str, int] | None = None, trace_id: str | None = None
) -> Problem:
    """Return what a client is told of ``error``; of a bug it is told nothing but that there is one."""
    if isinstance(error, Verdict):
        return make_problem(
            status=status_of(error, statuses),
            code=error.reason,
            message=error.message,
            field=error.field,
            trace_id=trace_id,
            errors=getattr(error, "errors", ()),
        )
    message = (
        "Something went wrong on our side; it has been noted. Try again, and name the trace_id if it stays."
    )
    return make_problem(status=500, code=BUG_CODE, message=message, trace_id=trace_id)


def headers_of(problem: Problem, error: Exception | None = None) -> dict[str, str]:
    """Return the headers of a problem: Retry-After in whole seconds, Allow, the challenge of a 401."""
    headers: dict[str, str] = {}
    after = getattr(error, "retry_after", None)
    if after is not None or problem.status in {429, 503}:
        wait = str(max(1, math.ceil(after or 1.0)))
        headers["retry-after"] = wait
        if problem.status == 429:
            headers["x-ratelimit-reset"] = wait
    if allowed := getattr(error, "allowed", ""):
        headers["allow"] = allowed
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return headers


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem as a response."""
    return Response(
        msgspec.json.encode(problem), problem.status, headers=dict(headers or {}), media_type=PROBLEM_JSON
    )


async def send_json(
    send: Send,
    status: int,
    body: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> None:
    """Send a whole answer from a plain ASGI route."""
    raw = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
    raw.extend((name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items())
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
