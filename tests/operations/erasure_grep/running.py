"""One run: everything comes in, is found, is erased, and is found no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leadmill.demo.mail_sink import MailSink
from shared.contracts.topics import CONTACTS, DEAD_LETTERS, RAW
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import mail_settings
from tests.journeys.people.test_forgotten import look_through_what_came
from tests.journeys.site import Site, open_site
from tests.operations.erasure_grep import living
from tests.operations.erasure_grep.ageing import KafkaAgeing
from tests.operations.erasure_grep.looking import (
    find,
    look_into_files,
    look_into_heap,
    look_into_tables,
    look_into_topics,
)
from tests.operations.test_personal_data import EMAIL, PHONE, captured_log

MODELS = ("first", "last", "linear", "u")
MAY_HOLD_FOR_DAYS = {RAW.name, *(topic.name for topic in DEAD_LETTERS.values())}
"""Topics whose stated retention is what takes the person out of them."""

Age = Callable[[Site], Awaitable[None]]
"""Lets topics age and compact as days do."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run showed: where the person stood before and after, by place, and the certificate."""

    before: Mapping[str, set[str]]
    after: Mapping[str, set[str]]
    certificate: Mapping[str, object]


async def run(
    database_url: str, folder: Path, environment: Mapping[str, str], *, age: Age, heap: bool
) -> Told:
    """Run it all on a fresh database; raises AssertionError for whatever does not hold."""
    folder.mkdir(exist_ok=True)
    async with MailSink() as sink:
        with captured_log() as log:
            settings = {**environment, **mail_settings(sink)}
            async with open_site(database_url, folder, settings) as site:
                house = House(site)
                answers = await living.come_in(site, house, sink)
                before = {
                    **await look_into_tables(database_url),
                    **await look_into_topics(site.platform.ground.log),
                }
                credited = {model: await house.credited(model) for model in MODELS}
                lead = await site.lead_of(email=EMAIL)
                points = (await site.why(lead, "mql"))["points"]
                sent = len(sink.received)

                leads = await living.forget(site, house)
                await site.platform.drained()
                await look_through_what_came(house)
                await living.come_again(site, house)
                await living.wipe_again(site, house, leads)
                await site.pass_time(days=20)
                await look_through_what_came(house)
                assert await site.find(email=EMAIL) == []
                assert await site.find(phone=PHONE) == []
                assert len(sink.received) == sent, "nothing is sent to somebody erased"
                assert {model: await house.credited(model) for model in MODELS} == credited
                after_points = (await site.why(lead, "mql"))["points"]
                assert after_points <= points, "nothing is added"
                assert await house.audit() == {}
                certificate = await house.get(f"/v1/erasures/{lead}", by="manager")
                assert certificate["waiting_for"] == []
                assert lead in leads

                await age(site)
                after = {
                    **await look_into_tables(database_url),
                    **await look_into_topics(site.platform.ground.log),
                    **look_into_files(folder),
                }
            if heap:
                after |= {
                    f"heap: {name}": seen for name, seen in (await look_into_heap(database_url)).items()
                }
            if isinstance(age, KafkaAgeing):
                after |= {f"kafka's files: {name}": seen for name, seen in age.look_into_files().items()}
            after |= {"log": found} if (found := find(log.getvalue())) else {}
            after |= {"answers": found} if (found := find("\n".join(answers))) else {}
            assert {CONTACTS.name, RAW.name, "ingest.contact", "ingest.note"} <= before.keys(), before.keys()
            return Told(before, after, certificate)
