"""Requests that schemathesis drafts from the OpenAPI document, right and wrong, for every operation of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck

_ANSWER_SECONDS: Final = 30.0
_QUIET: Final = tuple(HealthCheck)


class Drafts:
    """What was drafted and answered; ``faults`` names every 5xx but a deliberate 503, with its request."""

    def __init__(self) -> None:
        self.operations = 0
        self.answers: Counter[int] = Counter()
        self.unavailable: Counter[str] = Counter()
        self.faults: list[str] = []

    def note(self, case: schemathesis.Case[Any], answer: requests.Response) -> None:
        """Look at one answer."""
        self.answers[answer.status_code] += 1
        if answer.status_code == 503:
            self.unavailable[str(answer.json().get("code"))] += 1
        elif answer.status_code >= 500:
            self.faults.append(f"{answer.status_code} to {case.as_curl_command()}: {answer.text[:200]}")


def draft(document: Mapping[str, Any], *, address: str, key: str, examples: int, seed: int) -> Drafts:
    """Send so many requests to each operation and return what came of them."""
    drafts = Drafts()
    schema = schemathesis.openapi.from_dict(dict(document))
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (key, "")
        for found in schema.get_all_operations():
            operation = found.ok()  # type: ignore[union-attr]  # else it raises, as it should
            drafts.operations += 1
            for mode in schemathesis.GenerationMode:
                _send(operation.as_strategy(generation_mode=mode), drafts, session, address, examples, seed)
    return drafts


def _send(
    cases: Any, drafts: Drafts, session: requests.Session, address: str, examples: int, seed: int
) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=_QUIET,
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=cases)
    def send(case: schemathesis.Case[Any]) -> None:
        request = requests.Request(**case.as_transport_kwargs(base_url=address))
        try:
            prepared = session.prepare_request(request)
        except (requests.RequestException, UnicodeError, ValueError):
            hypothesis.reject()  # what cannot be written as a request at all
        drafts.note(case, session.send(prepared, timeout=_ANSWER_SECONDS, allow_redirects=False))

    try:
        send()
    except hypothesis.errors.Unsatisfiable:
        return  # nothing about this operation can be wrong
