"""Damage that is planted in nurture's tables, and the audit that finds it and names it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.kernel.instants import MINUTE
from tests.services.nurture.conftest import open_stand
from tests.services.nurture.stand import Stand
from tests.services.nurture.words import Words
from tests.unit.nurture.stories import START


@pytest.fixture
async def damaged(request: pytest.FixtureRequest, database_url: str, words: Words) -> AsyncIterator[Stand]:
    """Ada is in a sequence, Ben has left one, Cy was erased; nothing is wrong so far.

    The mail server has time to answer: on a busy machine it may take longer than the second that other
    tests give it, and then nobody knows whether the mail went out.
    """
    patience = {"smtp_timeout": timedelta(seconds=20), "lease": timedelta(minutes=5)}
    async with open_stand("embedded", request, database_url, **patience) as stand:
        await stand.start()
        await stand.learn(*(word for who in ("ada", "ben", "cy") for word in words.becomes_b(who, START)))
        await stand.learn(words.tier("ben", "A", START + MINUTE), words.erased("cy", START + MINUTE))
        assert not await stand.breaches()
        yield stand


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            "DELETE FROM message WHERE lead = $1 AND step = 'welcome'",
            "says message_sent, and the ledger has no row",
        ),
        ("DELETE FROM said WHERE lead = $1 AND kind = 'message_sent'", "is sent, and what was said is —"),
        (
            "UPDATE message SET state = 'failed' WHERE lead = $1",
            "is failed, and what was said is message_sent",
        ),
        ("DELETE FROM timer WHERE key = $1", "its clock is none"),
        ("UPDATE timer SET due = due + 1 WHERE key = $1", "waits for 2026-03-05T02:00:00Z; its clock is"),
        ("UPDATE enrolment SET state = 'ended' WHERE lead = $1", "its clock runs and it is in no sequence"),
        (
            "UPDATE enrolment SET state = 'ended' WHERE lead = $1",
            "is ended and what was said is lead_enrolled",
        ),
        ("DELETE FROM enrolment WHERE lead = $1", "belongs to no run"),
        ("DELETE FROM said WHERE lead = $1 AND kind = 'lead_enrolled'", "are kept"),
    ],
)
async def test_what_is_wrong_is_found_and_named(
    damaged: Stand, words: Words, damage: str, found: str
) -> None:
    assert await damaged.execute(damage, words.lead("ada")) >= 1
    breaches = await damaged.breaches()
    assert any(found in breach for breach in breaches), breaches


async def test_a_step_that_was_mailed_twice_is_found(damaged: Stand, words: Words) -> None:
    ada = words.lead("ada")
    await damaged.execute(
        "INSERT INTO enrolment SELECT 'other', lead, sequence, version, 2, 'ended', entered, due, message,"
        " ended, reason, details FROM enrolment WHERE lead = $1",
        ada,
    )
    await damaged.execute(
        "INSERT INTO message (id, enrolment, lead, sequence, sequence_version, step, content,"
        " content_version, variant, language, due, too_late, planned_at, cause, state, settled_at,"
        " settled_by, reason)"
        " SELECT 'again', 'other', lead, sequence, sequence_version, step, content, content_version, variant,"
        " language, due, too_late, planned_at, cause, state, settled_at, settled_by, reason"
        " FROM message WHERE lead = $1",
        ada,
    )
    assert f"lead {ada}: b_leads/welcome went out 2 times" in await damaged.breaches()


async def test_who_was_erased_and_is_still_there_is_found(damaged: Stand, words: Words) -> None:
    cy = words.lead("cy")
    await damaged.execute('UPDATE contact SET state = \'{"lead": "x"}\' WHERE lead = $1', cy)
    assert f"lead {cy}: was erased, and its contact is kept" in await damaged.breaches()
    await damaged.execute("UPDATE enrolment SET state = 'running' WHERE lead = $1", cy)
    assert any("was erased, and run" in breach for breach in await damaged.breaches())


async def test_a_move_an_erasure_or_a_refusal_that_had_no_effect_is_missed(
    damaged: Stand, words: Words
) -> None:
    stand = damaged
    deeds = [
        words.merged("dan", "ada", START + MINUTE),
        words.erased("eve", START + MINUTE),
        words.unsubscribed("fay", START + MINUTE),
    ]
    await stand.learn(*deeds)
    records = [
        record for topic in ("leadmill.leads", "leadmill.behaviour") for record in await stand.records(topic)
    ]
    assert not await stand.blueprint.find_missing(records)
    for who in ("dan", "eve", "fay"):
        await stand.execute("DELETE FROM profile WHERE id = $1", words.lead(who))
    missed = await stand.blueprint.find_missing(records)
    assert sorted(line.partition(" of ")[0] for line in missed) == sorted(
        [
            f"profile {words.lead('dan')}: ProfileMoved",
            f"profile {words.lead('eve')}: ProfileErased",
            f"profile {words.lead('fay')}: MailRefused",
        ]
    )
