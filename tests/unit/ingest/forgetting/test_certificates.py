"""What a certificate of erasure says ages out, and when: as the deployment has it, not as we ship it."""

from __future__ import annotations

from datetime import timedelta

from services.ingest.queries.erasures import certificate_of
from services.ingest.store.desk.erasures import Erasure
from shared.contracts.topics import CONTACTS, DEAD_LETTERS, RAW, SCORES
from shared.kernel.instants import DAY, HOUR, MILLISECOND, Instant, parse_instant
from shared.log.port import TopicLayout

ASKED = parse_instant("2026-03-02T09:00:00Z")


def ages_out(*, raw: Instant | None, keep_quarantine: timedelta = timedelta(days=30)) -> dict[str, object]:
    """What ages out how long after the wish, where the raw topic clears after so long."""
    names = (RAW.name, CONTACTS.name, SCORES.name, *(topic.name for topic in DEAD_LETTERS.values()))
    layouts = {
        name: TopicLayout(name=name, partitions=1, clears_ms=18 * HOUR // MILLISECOND) for name in names
    }
    clears = None if raw is None else raw // MILLISECOND
    layouts[RAW.name] = TopicLayout(name=RAW.name, partitions=1, clears_ms=clears)
    erasure = Erasure("ada", ASKED, "boss", ["ada"], ASKED, [])
    certificate = certificate_of(erasure, layouts=layouts, quarantine=keep_quarantine)
    return {one.where: None if one.by is None else one.by - ASKED for one in certificate.ages_out}


def test_a_topic_says_how_long_it_keeps_bytes_and_a_day_is_added_for_the_logs_rounds() -> None:
    found = ages_out(raw=90 * DAY)
    assert found[RAW.name] == 91 * DAY
    assert found[CONTACTS.name] == 18 * HOUR + DAY


def test_what_the_deployment_keeps_for_good_is_said_to_be_kept_for_good() -> None:
    assert ages_out(raw=None)[RAW.name] is None


def test_quarantine_goes_when_the_setting_says() -> None:
    (nameless,) = (place for place in ages_out(raw=DAY) if place.startswith("ingest.quarantine"))
    assert ages_out(raw=DAY, keep_quarantine=timedelta(days=3))[nameless] == 3 * DAY


def test_a_topic_that_is_not_there_keeps_nothing() -> None:
    erasure = Erasure("ada", ASKED, "boss", ["ada"], ASKED, [])
    certificate = certificate_of(erasure, layouts={}, quarantine=timedelta(days=30))
    assert [one.where.split(",")[0] for one in certificate.ages_out] == ["ingest.quarantine"]
