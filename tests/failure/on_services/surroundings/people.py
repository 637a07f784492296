"""What people send: visits, sign-ups and leads, stamped as the edge stamps them.

A new person comes every few messages and the newest are the busiest, so that everybody is met first
as a stranger on some device, then by an address or a number, and found to be one person a little
later. Some share a device or a number, some write what nobody can use, and clients repeat themselves.
"""

from __future__ import annotations

import random
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from services.ingest.api.messages import Message, open_single
from services.ingest.api.native.bodies import open_native, person_key_of, report_key_of
from services.ingest.api.stamping import Arrival, Channel, Stamper
from services.ingest.domain.identifiers import IdentifierKind
from shared.contracts.events.raw import ClientInfo
from shared.kernel.instants import DAY, Instant, format_instant
from shared.log.port import NewRecord
from tests.failure.on_services.surroundings.tables import email_of

MESSAGES_PER_PERSON: Final = 14
"""So many messages, and one more person has come."""
_AT_THE_SAME_TIME: Final = 60
_SOURCES: Final = ("website", "shop", "fair")
_PATHS: Final = (
    "/pricing",
    "/solutions/mill",
    "/blog/grain",
    "/blog/flour",
    "/resources/bran",
    "/",
    "/about",
)
_TITLES: Final = ("CTO", "Head of Milling", "Production Manager", "Intern", "总监", "Vice President")
_INDUSTRIES: Final = ("Manufacturing", "Software", "Retail", "Pharma", "beekeeping")
_CLIENT: Final = ClientInfo(ip="192.0.2.7", user_agent="matrix")


class Sent(NamedTuple):
    """One message as a client sent it, so that it can be sent again."""

    channel: Channel
    source: str
    message: Message


class People:
    """Composes raw records; every choice follows from ``pick``."""

    def __init__(self, pick: random.Random, *, identity_key: bytes) -> None:
        self._pick = pick
        self._stamper = Stamper(identity_key=identity_key, new_id=lambda: f"{pick.getrandbits(128):032x}")
        self._count = 0
        self._sent: list[Sent] = []

    def write(self, now: Instant) -> NewRecord:
        """Return the next record of the raw topic, received at ``now``."""
        self._count += 1
        pick = self._pick
        dice = pick.random()
        if dice < 0.004:
            return NewRecord(b"nobody", self._spoil(), [], now // 1000)
        if dice < 0.06 and self._sent:
            sent = pick.choice(self._sent[-400:])
        else:
            sent = self._compose(now)
            self._sent.append(sent)
        arrival = Arrival(source=sent.source, channel=sent.channel, received=now, client=_CLIENT)
        message = sent.message
        _, record = self._stamper.stamp(
            arrival, kind=message.kind, body=message.body, message_id=message.message_id, key=message.key
        )
        return record

    def _spoil(self) -> bytes:
        return self._pick.choice((b'{"specversion": "1.0", "id":', b"\xff\xfe", b'{"specversion":"1.0"}'))

    def _compose(self, now: Instant) -> Sent:
        pick = self._pick
        newest = self._count // MESSAGES_PER_PERSON
        person = newest - min(newest, int(_AT_THE_SAME_TIME * pick.random() ** 2))
        dice = pick.random()
        if dice < 0.34:
            return self._sdk("page", now, **self._who(person), properties={"path": pick.choice(_PATHS)})
        if dice < 0.58:
            name, properties = self._act()
            return self._sdk("track", now, **self._who(person), event=name, properties=properties)
        if dice < 0.72:
            return self._sdk("identify", now, **self._who(person, knows=0.7), traits=self._traits(person))
        if dice < 0.74:
            return self._sdk("alias", now, previousId=self._device(person), userId=f"user-{person}")
        if dice < 0.76:
            group = {"industry": pick.choice(_INDUSTRIES), "employees": pick.randrange(5, 900)}
            return self._sdk("group", now, **self._who(person, knows=0.9), traits=group)
        if dice < 0.93:
            return self._lead(person, now) if dice < 0.89 else self._deal(person, now)
        if dice < 0.98:
            return self._form(person)
        return self._useless(now)

    def _who(self, person: int, *, knows: float = 0.25) -> dict[str, Any]:
        pick = self._pick
        who: dict[str, Any] = {"anonymousId": self._device(person)}
        if person % 3 == 0 and pick.random() < knows:
            who["userId"] = f"user-{person}"
        return who

    def _device(self, person: int) -> str:
        """Return one of the person's devices, now and then one of somebody near."""
        pick = self._pick
        owner = person if pick.random() > 0.02 else max(0, person - 1)
        return f"device-{owner}-{pick.randrange(3)}"

    def _email(self, person: int) -> str:
        return email_of(person)

    def _phone(self, person: int) -> str:
        owner = person if self._pick.random() > 0.03 else max(0, person - 2)
        return f"+861381{owner:07d}"

    def _traits(self, person: int) -> dict[str, Any]:
        pick = self._pick
        choices: tuple[tuple[str, Any, float], ...] = (
            ("email", self._email(person), 0.7),
            ("phone", self._phone(person), 0.5),
            ("name", f"Miller No {person}", 0.4),
            ("title", pick.choice(_TITLES), 0.5),
            ("industry", pick.choice(_INDUSTRIES), 0.4),
            ("company", {"name": f"Mill {person % 40}", "employees": pick.randrange(5, 900)}, 0.4),
            ("region", pick.choice(("Shanghai", "Bavaria", "广东")), 0.3),
            ("student", pick.choice(("yes", "no")), 0.05),
            ("budget", pick.choice((10_000, 300_000)), 0.1),
            ("note", f"call me at {self._email(person)}", 0.05),
        )
        return {name: value for name, value, share in choices if pick.random() < share}

    def _act(self) -> tuple[str, dict[str, Any]]:
        pick = self._pick
        return pick.choice(
            (
                ("Demo Requested", {}),
                ("Trial Requested", {}),
                (
                    "Document Downloaded",
                    {
                        "kind": pick.choice(("white_paper", "brochure", "quote")),
                        "document": f"d{pick.randrange(5)}",
                    },
                ),
                ("Proposal Opened", {"proposal": f"p{pick.randrange(3)}"}),
                ("Email Opened", {"message": f"m{pick.randrange(9)}"}),
                ("Email Opened", {"message": f"m{pick.randrange(9)}"}),
                ("Email Link Clicked", {"message": "m1", "link": "l1", "purpose": "book_demo"}),
                ("Chat Started", {}),
                ("Calculator Used", {"grain": pick.choice(("rye", "oats")), "tons": pick.randrange(90)}),
            )
        )

    def _moments(self, now: Instant, *, names: tuple[str, str]) -> dict[str, str]:
        """Return when it happened and when it was sent; what was kept on a device comes days late."""
        pick = self._pick
        dice = pick.random()
        if dice < 0.5:
            return {}
        late = pick.randrange(1, 25 * DAY) if dice < 0.65 else pick.randrange(1, DAY // 4)
        return {names[0]: format_instant(now - late), names[1]: format_instant(now)}

    def _sdk(self, kind: str, now: Instant, **item: Any) -> Sent:
        item = {**item, **self._moments(now, names=("timestamp", "sentAt"))}
        if self._pick.random() < 0.9:
            item["messageId"] = f"message-{self._count}"
        message = open_single(msgspec.json.encode({"type": kind, **item}), kind=kind).messages[0]
        return Sent("sdk", self._pick.choice(_SOURCES), message)

    def _lead(self, person: int, now: Instant) -> Sent:
        pick = self._pick
        lead = {**self._traits(person), **self._moments(now, names=("timestamp", "sent_at"))}
        match pick.randrange(4):
            case 0:
                lead = {**lead, "email": self._email(person)}
                lead.pop("phone", None)
            case 1:
                lead = {**lead, "phone": self._phone(person)}
                lead.pop("email", None)
            case 2:
                lead["external_id"] = f"LD-{person}"
            case _:
                lead["anonymous_id"] = self._device(person)
        key = f"lead-{self._count}" if pick.random() < 0.7 else None
        (message,) = open_native(msgspec.json.encode(lead), channel="lead", key_of=person_key_of).messages
        return Sent("lead", "crm", message._replace(message_id=key))

    def _deal(self, person: int, now: Instant) -> Sent:
        """Return what became of a deal, mostly its loss, which ends a sales cycle."""
        outcome = {
            "opportunity": f"OP-{person}-{self._pick.randrange(2)}",
            **self._pick.choice(
                (
                    {"kind": "lost", "reason": "price"},
                    {"kind": "lost"},
                    {"kind": "won", "amount": 9000, "currency": "CNY"},
                )
            ),
            **self._pick.choice(({"email": self._email(person)}, {"external_id": f"LD-{person}"}, {})),
            **self._moments(now, names=("occurred_at", "sent_at")),
        }
        body = msgspec.json.encode(outcome)
        (message,) = open_native(body, channel="outcome", key_of=report_key_of).messages
        return Sent("outcome", "crm", message._replace(message_id=f"outcome-{self._count}"))

    def _form(self, person: int) -> Sent:
        fields = {"email": self._email(person), "_form": "offer", "start_within_months": "1"}
        if self._pick.random() < 0.5:
            fields["_anonymous_id"] = self._device(person)
        body = urlencode(fields).encode()
        key = (IdentifierKind.EMAIL, fields["email"])
        return Sent("form", "fair", Message("urlencoded", body, f"form-{self._count}", key))

    def _useless(self, now: Instant) -> Sent:
        """Return what goes to quarantine, each for a reason of its own."""
        pick = self._pick
        number = f"useless-{self._count}"
        match pick.randrange(5):
            case 0:
                return self._sdk("track", now, anonymousId=self._device(0))
            case 1:
                return self._sdk("page", now, properties={"path": "/"})
            case 2:
                return Sent("sdk", "website", Message("page", b"[1, 2", number, None))
            case 3:
                return Sent("sdk", "website", Message("track", b"\xff\xfe{}", number, None))
            case _:
                return Sent("form", "fair", Message("urlencoded", b"email=a@b.de&_gotcha=1", number, None))
