"""What the people of the story do, and when: a fortnight of visits, each of which is one request.

Four kinds, as four kinds of systems send them: sessions of a website (batches of the SDK protocol), captures
by partners and fairs (one JSON object), submissions of HTML forms, and what sales and ad systems report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from leadmill.demo.people import Person
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant

BEGIN: Final = parse_instant("2026-09-14T00:00:00+08:00")
"""A Monday, in Shanghai. The Sunday after it is worked (调休), and the second Friday is a holiday."""

DAYS: Final = 14
_HOURS: Final = (9, 12, 15, 18, 21)
"""When requests arrive: whatever happened in the three hours before, as phones and mail tools send it."""

WEBSITE: Final = "website"
MAILING: Final = "mailing"
LANDING_PAGE: Final = "landing-page"
FAIR: Final = "autumn-fair"
PARTNER: Final = "partner-portal"
SOURCES: Final = (WEBSITE, MAILING, LANDING_PAGE, FAIR, PARTNER)
"""The entrances of people, each with a write key of its own."""

CRM: Final = "crm"
AD_DESK: Final = "ad-desk"
REPORTING: Final = (CRM, AD_DESK)
"""The entrances of systems that tell what became of people, and what campaigns cost."""

AD: Final[Mapping[str, str]] = {"source": "baidu", "medium": "cpc", "name": "autumn-search"}
"""The ad campaign, as UTM parameters say it; the fair is the other campaign that costs something."""

Call = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Calls of the SDK protocol that arrive as one batch at ``at``."""

    at: Instant
    person: Person
    calls: Sequence[Call]
    source: str = WEBSITE
    is_repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A lead that a partner or a fair reports at ``at``."""

    at: Instant
    person: Person
    lead: Mapping[str, object]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A form that somebody submits at ``at``."""

    at: Instant
    person: Person
    fields: Mapping[str, str]
    source: str = LANDING_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a system tells at ``at``: an outcome of somebody's opportunity, or what a campaign cost."""

    at: Instant
    person: Person
    what: Literal["outcomes", "costs"]
    body: Mapping[str, object]
    source: str = CRM


Visit = Session | Capture | Submission | Report


def names_somebody(visit: Visit) -> bool:
    """Tell whether a visit says who it was: all but browsing without an account do."""
    return not isinstance(visit, Session) or any("userId" in call for call in visit.calls)


@dataclass(slots=True)
class Diary:
    """One person's fortnight while it is being made up; days count from 0, slots within the day too."""

    person: Person
    random: Random
    visits: list[Visit] = field(default_factory=list)
    is_known: bool = False
    _calls: int = 0

    def instant(self, day: int, slot: int) -> Instant:
        """Return when requests of a slot arrive."""
        return BEGIN + day * DAY + _HOURS[slot] * HOUR

    def browse(
        self, day: int, slot: int, *steps: Call, repeated: bool = False, ad: Mapping[str, str] | None = None
    ) -> None:
        """Visit the website, perhaps from an ad: the browser reports what was done there, shortly after."""
        at = self.instant(day, slot)
        who: Call = {"anonymousId": self.person.device}
        if ad is not None:
            who["context"] = {"campaign": dict(ad)}
        if self.is_known:
            who["userId"] = self.person.account
        self._send(at, WEBSITE, who, steps, repeated=repeated)

    def sign_up(self, day: int, slot: int, *steps: Call, repeated: bool = False) -> None:
        """Open an account on the website: from now on everybody knows whose browser it is."""
        self.is_known = True
        self.browse(day, slot, {"type": "identify", "traits": self.person.traits}, *steps, repeated=repeated)

    def read_mail(self, day: int, slot: int, *steps: Call) -> None:
        """Open or click a mail: the mail tool reports it, and knows the address only."""
        told = [{**step, "properties": {**_properties(step), "email": self.person.email}} for step in steps]
        self._send(self.instant(day, slot), MAILING, {"userId": ""}, told)

    def submit(self, day: int, slot: int, form: str, **more: str) -> None:
        """Fill in a form on a landing page."""
        person = self.person
        fields = {
            "_form": form,
            "_anonymous_id": person.device,
            "姓名" if not person.name.isascii() else "Full name": person.name,
            "email": person.email,
            "company": person.company,
            "职位" if not person.name.isascii() else "Job title": person.title,
            "industry": person.industry,
            "employees": str(person.employees),
            "region": person.region,
            **more,
        }
        self.visits.append(Submission(at=self.instant(day, slot), person=person, fields=fields))

    def be_captured(self, day: int, slot: int, source: str, **more: object) -> None:
        """Be written down by somebody else: at a fair, by a partner."""
        person = self.person
        lead = {**person.traits, "external_id": f"{source}-{person.number}", **more}
        given = {name: value for name, value in lead.items() if value is not None}
        self.visits.append(Capture(at=self.instant(day, slot), person=person, lead=given, source=source))

    def report_deal(self, day: int, slot: int, kind: str, opportunity: str, **more: object) -> None:
        """Be spoken of by the sales system: an opportunity of this person was created, moved, won or lost."""
        at = self.instant(day, slot)
        body = {"kind": kind, "opportunity": opportunity, "email": self.person.email, **more}
        if "amount" in more:
            body["currency"] = "CNY"
        self.visits.append(
            Report(at=at, person=self.person, what="outcomes", body={**body, "timestamp": format_instant(at)})
        )

    def _send(
        self, at: Instant, source: str, who: Call, steps: Sequence[Call], *, repeated: bool = False
    ) -> None:
        calls: list[Call] = []
        for place, step in enumerate(steps):
            self._calls += 1
            happened = at - (len(steps) - place) * 7 * MINUTE
            calls.append(
                {
                    **who,
                    **step,
                    "messageId": f"demo-{self.person.number}-{self._calls}",
                    "timestamp": format_instant(happened),
                }
            )
        self.visits.append(
            Session(at=at, person=self.person, calls=calls, source=source, is_repeated=repeated)
        )


def page(path: str) -> Call:
    """Return the view of a page."""
    return {"type": "page", "properties": {"path": path, "url": f"https://www.example.com{path}"}}


def act(event: str, **properties: object) -> Call:
    """Return something that was done."""
    return {"type": "track", "event": event, "properties": properties}


def _properties(step: Call) -> dict[str, object]:
    given = step.get("properties")
    return dict(given) if isinstance(given, dict) else {}


HOME: Final = page("/")
PRICES: Final = page("/pricing")
SOLUTION: Final = page("/solutions/lead-scoring")
DEMO: Final = act("Demo Requested")
TRIAL: Final = act("Trial Requested")


def article(number: int) -> Call:
    """Return the view of an article."""
    return page(f"/blog/article-{number}")


def white_paper(number: int) -> Call:
    """Return the download of a white paper."""
    return act("Document Downloaded", document=f"white-paper-{number}", kind="white_paper")


def mail_opened(number: int) -> Call:
    """Return that a mail was opened."""
    return act("Email Opened", message=f"mailing-{number}")


def demo_clicked(number: int) -> Call:
    """Return that “book a demo” was clicked in a mail."""
    return act(
        "Email Link Clicked", message=f"mailing-{number}", link="https://www.example.com/demo",
        purpose="book_demo",
    )  # fmt: skip


def arrivals() -> Iterator[Instant]:
    """Give every instant at which requests arrive, in order of time."""
    for day in range(DAYS):
        for hour in _HOURS:
            yield BEGIN + day * DAY + hour * HOUR
