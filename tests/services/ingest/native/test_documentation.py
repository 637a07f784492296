"""The OpenAPI document: there is nothing at the front door that it does not tell, and it is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis

from services.ingest.settings import IngestSettings
from shared.http.hot_routes import SECURITY_SCHEMES
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

NATIVE: Final = ("/v1/leads", "/v1/events", "/", "/v1/outcomes", "/v1/costs")
SDK: Final = ("/v1/identify", "/v1/i", "/v1/track", "/v1/t", "/v1/batch", "/v1/import/", "/beacon/v1/batch")


async def document_of(ingest: RunningIngest) -> dict[str, Any]:
    answer = await ingest.client.get("/openapi.json")
    document: dict[str, Any] = answer.json()
    return document


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references_in(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from references_in(one)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            yield from references_in(value)


def resolve(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


class TestTheDocument:
    async def test_has_an_operation_for_every_route(self, ingest: RunningIngest) -> None:
        """Did you add one? Give its HotRoute an ``operation``; see services/ingest/api/documentation."""
        document = await document_of(ingest)
        told = {(path, method) for path, method, _ in operations_of(document)}
        routes = {
            (route.path, method.lower()) for route in ingest.blueprint.hot_routes for method in route.methods
        }
        assert routes - told == set()

    async def test_says_of_every_operation_what_it_takes_and_answers(self, ingest: RunningIngest) -> None:
        document = await document_of(ingest)
        ids = []
        for path, method, operation in operations_of(document):
            where = f"{method} {path}"
            ids.append(operation["operationId"])
            assert operation["summary"], where
            assert operation["tags"], where
            answers = operation["responses"]
            assert any(status[0] in "23" for status in answers), where
            assert any(status[0] == "4" for status in answers), where
            assert any(status[0] == "5" for status in answers), where
            for status, answer in answers.items():
                assert answer["description"], (where, status)
                assert all("schema" in one for one in answer.get("content", {}).values()), (where, status)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert "schema" in content, where
            named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), where
        assert len(ids) == len(set(ids))

    async def test_refers_to_nothing_that_is_not_there(self, ingest: RunningIngest) -> None:
        document = await document_of(ingest)
        for reference in set(references_in(document)):
            assert resolve(document, reference), reference
        schemes = {
            name
            for _, _, operation in operations_of(document)
            for one in operation.get("security", ())
            for name in one
        }
        assert schemes - set(document["components"]["securitySchemes"]) == set()
        assert set(SECURITY_SCHEMES) <= schemes

    @pytest.mark.parametrize("path", [*NATIVE, *SDK])
    async def test_names_every_status_example_and_way_to_send_a_write_key(
        self, ingest: RunningIngest, path: str
    ) -> None:
        operation = (await document_of(ingest))["paths"][path]["post"]
        common = {"200", "400", "401", "403", "408", "413", "415", "429", "503"}
        assert set(operation["responses"]) == (common | {"409", "422"} if path in NATIVE else common)
        assert [next(iter(one)) for one in operation["security"]] == [
            name for name in SECURITY_SCHEMES if name.startswith("write_key")
        ]
        for content in operation["requestBody"]["content"].values():
            assert "example" in content
        media = "application/problem+json" if path in NATIVE else "application/json"
        assert list(operation["responses"]["400"]["content"]) == [media]
        for status in {"409", "429", "503"} & set(operation["responses"]):
            assert "Retry-After" in operation["responses"][status]["headers"]

    async def test_publishes_how_long_a_request_is_remembered(self, ingest: RunningIngest) -> None:
        operation = (await document_of(ingest))["paths"]["/v1/leads"]["post"]
        (key,) = (one for one in operation["parameters"] if one["name"] == "Idempotency-Key")
        assert IngestSettings().remember_answers.total_seconds() == 72 * 3600
        assert "within 72 hours" in key["description"]

    async def test_is_shown_on_a_page(self, ingest: RunningIngest) -> None:
        """The page fetches nothing but the document: many networks reach nobody else."""
        answer = await ingest.client.get("/docs")
        assert answer.status_code == 200
        assert 'fetch("openapi.json")' in answer.text
        assert "://" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]

    async def test_gives_examples_that_are_taken(self, ingest: RunningIngest) -> None:
        document = await document_of(ingest)
        for path in (*NATIVE, *SDK):
            for media, content in document["paths"][path]["post"]["requestBody"]["content"].items():
                if path == "/" and media == "application/json":
                    continue  # the data alone: its attributes stand in headers
                headers = {"x-write-key": KEY, "content-type": media}
                answer = await ingest.client.post(path, json=content["example"], headers=headers)
                assert answer.status_code == 200, (path, media, answer.text)
                assert "quarantined" not in answer.json(), (path, media)


class TestRequestsMadeUpFromIt:
    async def test_can_be_made_for_all_of_it(self, ingest: RunningIngest) -> None:
        schema = schemathesis.openapi.from_dict(await document_of(ingest))
        assert len([*schema.get_all_operations()]) == len([*operations_of(await document_of(ingest))])
