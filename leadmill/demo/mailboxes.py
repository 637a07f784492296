"""The mailboxes of the story: people open their mails, click, or want no more, each at a time of their own.

They do what browsers do: load the picture, follow a link, press the button of the mail program, over HTTP.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from random import Random
from types import TracebackType
from typing import Final, Self

import httpx

from leadmill.demo.cast import CAST, SCRIPTED_MAIL
from leadmill.demo.clients import RequestFailed
from leadmill.demo.mail_sink import MailSink, Received
from leadmill.demo.people import Kind, Person
from shared.kernel.instants import HOUR, Instant, from_datetime

BROWSER: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
_AT_ONCE: Final = 12
_LONGEST_WAIT: Final = 30
_PICTURE: Final = re.compile(r'src="([^"]+/t/o/[^"]+)"')
_LINK: Final = re.compile(r'href="([^"]+/t/c/[^"]+)"')
_BOOKING: Final = "book-a-demo"


@dataclass(frozen=True, slots=True)
class Mood:
    """How likely somebody opens a mail, books a demo by it, reads on instead, or wants no more of them."""

    opens: float
    books: float
    reads: float
    leaves: float


_MOODS: Final[dict[Kind, Mood]] = {
    "buyer": Mood(0.8, 0.4, 0.3, 0.02),
    "evaluator": Mood(0.7, 0.25, 0.3, 0.03),
    "reader": Mood(0.6, 0.06, 0.4, 0.04),
    "browser": Mood(0.4, 0.04, 0.2, 0.08),
    "student": Mood(0.3, 0.0, 0.3, 0.1),
    "leader": Mood(0.6, 0.35, 0.2, 0.04),
    "enthusiast": Mood(0.7, 0.02, 0.5, 0.03),
}


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody does with a mail, ``after`` microseconds from its date."""

    after: Instant = 0
    opens: bool = False
    clicks: str = ""
    leaves: bool = False


class Mailboxes:
    """Everybody's mailbox; an asynchronous context manager. The sink is where the platform's mails arrive."""

    def __init__(self, sink: MailSink, people: Sequence[Person], *, seed: int) -> None:
        self._sink = sink
        self._people = {person.email: person for person in people}
        self._seed = seed
        self._taken = 0
        self._numbers: Counter[int] = Counter()
        self._unread: list[tuple[Instant, EmailMessage, Reaction]] = []
        self._http = httpx.AsyncClient(timeout=30, trust_env=False, headers={"user-agent": BROWSER})
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def read(self, at: Instant) -> None:
        """Let everybody react whose time has come.

        :raises RequestFailed: if what a mail leads to does not answer as it should.
        """
        for mail in self._sink.received[self._taken :]:
            self._receive(mail)
        self._taken = len(self._sink.received)
        due = [(message, reaction) for when, message, reaction in self._unread if when <= at]
        self._unread = [one for one in self._unread if one[0] > at]
        async with asyncio.TaskGroup() as tasks:
            for message, reaction in due:
                tasks.create_task(self._react(message, reaction))

    def _receive(self, mail: Received) -> None:
        person = self._people[mail.recipient]
        self._numbers[person.number] += 1
        reaction = self._choose(person, self._numbers[person.number])
        if reaction.opens:
            message = mail.message
            sent = from_datetime(message["Date"].datetime)
            self._unread.append((sent + reaction.after, message, reaction))

    def _choose(self, person: Person, number: int) -> Reaction:
        """Return what somebody does with their ``number``-th mail; the dozen do as the script says."""
        if person in CAST:
            return Reaction(HOUR, True, *SCRIPTED_MAIL.get((person.number, number), ("", False)))
        random, mood = Random(f"{self._seed}-mail-{person.number}-{number}"), _MOODS[person.kind]
        after, opens, clicks, leaves = (random.random() for _ in range(4))
        link = _BOOKING if clicks < mood.books else "www" if clicks < mood.books + mood.reads else ""
        return Reaction(
            round((1 + after * _LONGEST_WAIT) * HOUR), opens < mood.opens, link, leaves < mood.leaves
        )

    async def _react(self, message: EmailMessage, reaction: Reaction) -> None:
        body = message.get_body(("html",))
        html = body.get_content().replace("&amp;", "&") if body is not None else ""
        pictures, links = _PICTURE.findall(html), _LINK.findall(html)
        await self._ask("GET", pictures[0], expected=200)
        wanted = [link for link in links if reaction.clicks and reaction.clicks in link]
        if wanted:
            await self._ask("GET", wanted[0], expected=302)
        if reaction.leaves:
            way_out = str(message["List-Unsubscribe"]).strip("<>")
            await self._ask("POST", way_out, expected=200)

    async def _ask(self, method: str, address: str, *, expected: int) -> None:
        told = {"List-Unsubscribe": "One-Click"} if method == "POST" else None
        async with self._room:
            response = await self._http.request(method, address, data=told)
        if response.status_code != expected:
            raise RequestFailed(f"a link in a mail answered {response.status_code}")


def mail_settings(sink: MailSink) -> dict[str, str]:
    """Return the settings with which the platform sends its mails into the sink."""
    return {
        "LEADMILL_NURTURE_SMTP_HOST": "127.0.0.1",
        "LEADMILL_NURTURE_SMTP_PORT": str(sink.port),
        "LEADMILL_NURTURE_SMTP_SECURITY": "none",
        "LEADMILL_NURTURE_SENDER_ADDRESS": "news@mill.example",
        "LEADMILL_NURTURE_SENDER_NAME": "Mill",
        "LEADMILL_NURTURE_ORGANISATION": "Mill Ltd",
        "LEADMILL_NURTURE_POSTAL_ADDRESS": "1 Mill Lane",
    }
