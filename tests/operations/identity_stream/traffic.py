"""What the crowd sends in a month, over six sources, and who it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from services.ingest.api.stamping import Arrival, Channel, Stamper
from shared.contracts.events.raw import ClientInfo
from shared.kernel.instants import DAY, Instant, parse_instant
from shared.log.port import NewRecord
from tests.operations.identity_stream.population import Crowd, Person

BEGINS: Final = parse_instant("2026-03-01T00:00:00Z")
DAYS: Final = 30
_CLIENT: Final = ClientInfo(
    ip="192.0.2.7",
    user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36",
)
_BOT: Final = ClientInfo(ip="192.0.2.9", user_agent="Mozilla/5.0 (compatible; ExampleBot/2.1)")
SOURCES: Final = ("website", "app", "landing", "crm", "ads", "fair")


class Sent(NamedTuple):
    """One request: its record, who sent it (a person's number, below zero a bot), and what it was.

    ``says_who`` is True if it names somebody, False for a visit of a browser. ``browser`` is empty where
    none was told.
    """

    record_id: str
    record: NewRecord
    who: int
    says_who: bool
    browser: str
    source: str


class Traffic:
    """Composes requests; every choice follows from ``pick``."""

    def __init__(self, crowd: Crowd, pick: random.Random, *, identity_key: bytes) -> None:
        self._crowd = crowd
        self._pick = pick
        self._stamper = Stamper(identity_key=identity_key, new_id=lambda: f"{pick.getrandbits(128):032x}")
        self._typos = 0
        self._signed_up: set[int] = set()

    @property
    def typos(self) -> int:
        """How many addresses, numbers and names were mistyped."""
        return self._typos

    def send(self, count: int) -> Iterator[Sent]:
        """Return so many requests, evenly over the month. Some people come often, most now and then."""
        pick, people = self._pick, self._crowd.people
        for number in range(count):
            now = BEGINS + DAYS * DAY * number // count
            if pick.random() < 0.02:
                yield self._bot(now)
                continue
            person = people[int(len(people) * pick.random() ** 1.3)]
            yield self._of(person, now)

    def _of(self, person: Person, now: Instant) -> Sent:
        dice = self._pick.random()
        if dice < 0.30:
            return self._visit(person, now)
        if dice < 0.45:
            return self._identify(person, now)
        if dice < 0.62:
            return self._app(person, now) if person.user_id else self._identify(person, now)
        if dice < 0.78:
            return self._form(person, now)
        if dice < 0.88:
            return self._crm(person, now) if person.external_id else self._form(person, now)
        if dice < 0.95:
            return self._lead(person, now, source="ads", external_id=f"ad-{self._pick.getrandbits(48)}")
        return self._lead(person, now, source="fair", external_id="")

    def _visit(self, person: Person, now: Instant) -> Sent:
        browser = self._pick.choice(person.browsers)
        body = {
            "anonymousId": browser,
            "properties": {"path": self._pick.choice(("/pricing", "/", "/blog/a"))},
        }
        return self._stamp(person, now, body, kind="page", source="website", says_who=False, browser=browser)

    def _identify(self, person: Person, now: Instant) -> Sent:
        browser = self._pick.choice(person.browsers)
        traits = {"email": self._email(person), "name": self._name(person)}
        body: dict[str, Any] = {"anonymousId": browser, "context": {"traits": traits}}
        if person.user_id and self._pick.random() < 0.7:
            body["userId"] = person.user_id
        return self._stamp(person, now, body, kind="identify", source="website", browser=browser)

    def _app(self, person: Person, now: Instant) -> Sent:
        body: dict[str, Any] = {"userId": person.user_id, "event": "Document Downloaded"}
        if person.number not in self._signed_up or self._pick.random() < 0.3:
            self._signed_up.add(person.number)
            body["context"] = {"traits": {"email": person.emails[0], "name": person.name}}
        return self._stamp(person, now, body, kind="track", source="app")

    def _form(self, person: Person, now: Instant) -> Sent:
        fields = self._fields(person)
        fields["message"] = f"m{self._pick.randrange(1_000_000)}"
        browser = self._pick.choice(person.browsers) if self._pick.random() < 0.7 else ""
        if browser:
            fields["_anonymous_id"] = browser
        return self._stamp(
            person,
            now,
            urlencode(fields).encode(),
            kind="urlencoded",
            source="landing",
            channel="form",
            browser=browser,
        )

    def _crm(self, person: Person, now: Instant) -> Sent:
        fields: dict[str, Any] = {"external_id": person.external_id, "name": person.name}
        if self._pick.random() < 0.95:
            fields["email"] = person.emails[0]
        if self._pick.random() < 0.5:
            fields["phone"] = self._phone(person)
        if person.company:
            fields["company"] = person.company
        return self._stamp(person, now, fields, kind="lead", source="crm", channel="lead")

    def _lead(self, person: Person, now: Instant, *, source: str, external_id: str) -> Sent:
        fields: dict[str, Any] = self._fields(person)
        if external_id:
            fields["external_id"] = external_id
        return self._stamp(person, now, fields, kind="lead", source=source, channel="lead")

    def _fields(self, person: Person) -> dict[str, str]:
        pick = self._pick
        fields = {"name": self._name(person)}
        if person.company and pick.random() < 0.6:
            fields["company"] = person.company
        if pick.random() < person.gives_phone:
            fields["phone"] = self._phone(person)
        if "phone" not in fields or pick.random() < 0.9:
            fields["email"] = self._email(person)
        return fields

    def _email(self, person: Person) -> str:
        """Return the usual address, one time in twenty the other one; one in 200 is mistyped."""
        pick = self._pick
        email = person.emails[-1] if pick.random() < 0.05 else person.emails[0]
        if pick.random() < 0.005:
            self._typos += 1
            place = pick.randrange(1, email.index("@"))
            return email[:place] + pick.choice("aeiou") + email[place:]
        return email.upper() if pick.random() < 0.05 else email

    def _phone(self, person: Person) -> str:
        """Return the number as people write it; one in 200 has a wrong digit."""
        pick, digits = self._pick, person.phone
        if pick.random() < 0.005:
            self._typos += 1
            place = pick.randrange(4, len(digits))
            digits = digits[:place] + pick.choice("0123456789") + digits[place + 1 :]
        return pick.choice(
            (
                digits,
                f"+86{digits}",
                f"0086 {digits}",
                f"{digits[:3]}-{digits[3:7]}-{digits[7:]}",
                f"+86 {digits}",
            )
        )

    def _name(self, person: Person) -> str:
        """Return the name in one of its spellings; one in 100 is mistyped."""
        pick, name = self._pick, person.name
        if pick.random() < 0.01:
            self._typos += 1
            return name + name[-1]
        if " " not in name:
            return pick.choice(
                (name, name, f"{name[0]} {name[1:]}", f"{name}先生" if len(name) > 2 else name)
            )
        first, last = name.split(" ", 1)
        return pick.choice((name, name, name.upper(), name.lower(), f"{last}, {first}"))

    def _bot(self, now: Instant) -> Sent:
        """A machine: mostly visits under ever new browsers, now and then a form with rubbish."""
        pick = self._pick
        bot = -1 - pick.randrange(self._crowd.bots)
        browser = f"bot-{-bot}-{pick.randrange(20)}"
        if pick.random() < 0.85:
            body: Any = {"anonymousId": browser, "properties": {"path": "/pricing"}}
            kind, source, channel, says_who = "page", "website", "sdk", False
        else:
            rubbish = f"x{pick.getrandbits(40):x}"
            body = urlencode({"email": f"{rubbish}@{rubbish}.example", "name": rubbish}).encode()
            kind, source, channel, says_who, browser = "urlencoded", "landing", "form", True, ""
        return self._stamp(
            None,
            now,
            body,
            kind=kind,
            source=source,
            channel=channel,  # type: ignore[arg-type]
            says_who=says_who,
            browser=browser,
            client=_BOT,
            who=bot,
        )

    def _stamp(
        self,
        person: Person | None,
        now: Instant,
        body: dict[str, Any] | bytes,
        *,
        kind: str,
        source: str,
        channel: Channel = "sdk",
        says_who: bool = True,
        browser: str = "",
        client: ClientInfo = _CLIENT,
        who: int = 0,
    ) -> Sent:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        arrival = Arrival(source=source, channel=channel, received=now, client=client)
        record_id, record = self._stamper.stamp(arrival, kind=kind, body=raw, message_id=None, key=None)
        number = person.number if person is not None else who
        return Sent(record_id, record, number, says_who, browser, source)
