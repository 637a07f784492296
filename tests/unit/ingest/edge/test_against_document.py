"""Requests made up from the OpenAPI document: the edge does what its document says, and nothing breaks."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS

from tests.unit.ingest.edge.house import BASIC, House

_EXAMPLES: Final = 8
_OTHER_PROMISES: Final = frozenset(
    {
        "negative_data_rejection",  # what an SDK sends is kept, whatever it is
        "positive_data_acceptance",  # a name that was used before is refused
        "ignored_auth",
        "missing_required_header",
        "unsupported_method",
    }
)


def _open() -> tuple[Any, list[Any]]:
    transport = House().client._transport
    assert isinstance(transport, httpx.ASGITransport)
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", transport.app)
    return schema, [one.ok() for one in schema.get_all_operations()]


_SCHEMA, _OPERATIONS = _open()
_LEFT_OUT: Final = [check for check in CHECKS.get_all() if check.__name__ in _OTHER_PROMISES]


def _credentials(path: str, method: str) -> dict[str, str]:
    return {"authorization": "Bearer reader" if (path, method) == ("/v1/leads", "GET") else BASIC}


@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_what_it_answers_is_in_its_document(operation: Any) -> None:
    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call(headers=_credentials(operation.path, operation.method.upper()))
        case.validate_response(answer, excluded_checks=_LEFT_OUT)

    ask()
