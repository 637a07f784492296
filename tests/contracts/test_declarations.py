"""The event registry: declared once, found both ways, old versions brought up to date."""

from datetime import timedelta

import pytest

from shared.contracts.declarations import Event, EventRegistry, UnknownType
from shared.contracts.topics import LEADS, Topic

OTHER_TOPIC = Topic(
    name="leadmill.tests",
    key="lead id",
    owner="ingest",
    producers=frozenset({"ingest"}),
    consumers=frozenset({"ingest"}),
    summary="For these tests only.",
    retention=timedelta(days=1),
)


class NotedV1(Event, frozen=True, kw_only=True):
    lead: str
    text: str


class NotedV2(Event, frozen=True, kw_only=True):
    lead: str
    lines: list[str]


class NotedV3(Event, frozen=True, kw_only=True):
    lead: str
    lines: list[str]
    count: int


def a_registry_of_three_versions() -> EventRegistry:
    registry = EventRegistry()
    registry.declare(
        name="noted", on=LEADS, upcast=lambda event: NotedV2(lead=event.lead, lines=event.text.splitlines())
    )(NotedV1)
    registry.declare(
        name="noted",
        version=2,
        on=LEADS,
        upcast=lambda event: NotedV3(lead=event.lead, lines=event.lines, count=len(event.lines)),
    )(NotedV2)
    registry.declare(name="noted", version=3, on=LEADS)(NotedV3)
    return registry


class TestADeclaration:
    def test_is_found_by_type_and_by_struct(self) -> None:
        registry = a_registry_of_three_versions()
        assert registry.of_type("leadmill.noted.v2").struct is NotedV2
        assert registry.of_struct(NotedV2).type == "leadmill.noted.v2"
        assert registry.type_of(NotedV3) == "leadmill.noted.v3"

    def test_names_its_topics(self) -> None:
        registry = EventRegistry()
        registry.declare(name="noted", on=(LEADS, OTHER_TOPIC))(NotedV3)
        assert registry.of_struct(NotedV3).topics == (LEADS, OTHER_TOPIC)

    def test_is_refused_a_second_time(self) -> None:
        registry = a_registry_of_three_versions()
        with pytest.raises(ValueError, match="declared twice"):
            registry.declare(name="noted", version=4, on=LEADS)(NotedV3)
        with pytest.raises(ValueError, match="declared twice"):
            registry.declare(name="noted", version=3, on=LEADS)(type("Other", (Event,), {}))

    def test_is_missed_under_a_name_that_was_never_declared(self) -> None:
        registry = EventRegistry()
        with pytest.raises(UnknownType):
            registry.of_type("leadmill.noted.v1")
        with pytest.raises(UnknownType):
            registry.of_struct(NotedV1)


class TestAnOldVersion:
    def test_reads_as_the_latest_through_every_step_between(self) -> None:
        registry = a_registry_of_three_versions()
        event = registry.decode("leadmill.noted.v1", b'{"lead":"lead-1","text":"one\\ntwo"}')
        assert event == NotedV3(lead="lead-1", lines=["one", "two"], count=2)

    def test_leaves_the_latest_as_it_is(self) -> None:
        registry = a_registry_of_three_versions()
        event = registry.decode("leadmill.noted.v3", b'{"lead":"lead-1","lines":[],"count":5}')
        assert event == NotedV3(lead="lead-1", lines=[], count=5)
