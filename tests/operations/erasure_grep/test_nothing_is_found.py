"""Whoever is erased is found nowhere, and stays out whichever way they come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.testing.kafka_broker import find_kafka
from tests.operations.erasure_grep.ageing import KafkaAgeing, let_embedded_age
from tests.operations.erasure_grep.running import run

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(40)]


async def test_nothing_of_an_erased_person_is_found_anywhere(database_url: str, tmp_path: Path) -> None:
    told = await run(database_url, tmp_path, {"LEADMILL_LOG": "embedded"}, age=let_embedded_age, heap=False)
    assert told.after == {}


@pytest.mark.failure
@pytest.mark.kafka
async def test_nor_on_any_topic_of_kafka(database_url: str, tmp_path: Path) -> None:
    with find_kafka(disposable=True) as broker:
        environment = {
            "LEADMILL_LOG": "kafka",
            "LEADMILL_KAFKA": broker.address,
            "LEADMILL_KAFKA_SESSION": "6s",
        }
        told = await run(database_url, tmp_path, environment, age=KafkaAgeing(broker), heap=False)
    assert told.after == {}
