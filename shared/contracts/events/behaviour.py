"""What people did, as the resolver understood it. Key: profile id; subject: lead id.

All are said by ingest, once per client message, from before the person is known as well as after.
None implies that a person rather than a machine acted, unless its docstring says so.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, field

from shared.contracts.attributes import (
    EXAMPLE_ACQUISITION,
    EXAMPLE_LEAD,
    Acquisition,
    LeadId,
    MessageId,
    ProfileId,
    Scalar,
    SourceName,
)
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import BEHAVIOUR


class BehaviourEvent(Event, frozen=True, kw_only=True):
    """What every act carries. ``acquisition`` is there where the request said what had brought them."""

    lead: LeadId
    profile: ProfileId
    source: SourceName
    message_id: MessageId = None
    acquisition: Acquisition | None = None
    dismissed: Annotated[
        str,
        Meta(description="Why it counts for nothing: bot, network, staff or test; empty if it counts"),
    ] = ""


@DECLARED.declare(name="act_judged", on=BEHAVIOUR)
class ActJudged(Event, frozen=True, kw_only=True):
    """Ingest says: it turned out late that an act counts for nothing, or that it counts after all (I5).

    ``act`` is the event that told of it. ``verdict`` counts the verdicts about that act; the highest wins
    whatever the order of arrival, and over what the act's own event said.
    """

    lead: LeadId
    profile: ProfileId
    source: SourceName
    act: Annotated[str, Meta(description="Id of the event that told of the act")]
    dismissed: Annotated[str, Meta(description="Why it counts for nothing: burst, …; empty if it counts")]
    rule: str
    verdict: int


@DECLARED.declare(name="page_viewed", on=BEHAVIOUR)
class PageViewed(BehaviourEvent, frozen=True, kw_only=True):
    """A page was opened. Does not imply that it was read, nor for how long."""

    path: Annotated[str, Meta(description="Path of the page, freed of identifying values, without the query")]
    kind: Annotated[
        str,
        Meta(description="price, solution, home or article, as the path patterns tell; empty if none fits"),
    ] = ""


@DECLARED.declare(name="form_submitted", on=BEHAVIOUR)
class FormSubmitted(BehaviourEvent, frozen=True, kw_only=True):
    """A form was sent. What it said about the person travels in ``leads`` and ``contacts``."""

    form: str
    start_within_months: Annotated[
        int | None, Meta(description="In how many months the project is to start, if the form asked")
    ] = None
    form_version: Annotated[
        int | None, Meta(description="Version of the form's document, where it has one")
    ] = None
    landing_page_version: Annotated[
        str, Meta(description="Version of the landing page, if a hidden field told")
    ] = ""
    tags: Annotated[list[str], Meta(description="Tags that the form's document puts on")] = field(
        default_factory=list
    )


@DECLARED.declare(name="demo_requested", on=BEHAVIOUR)
class DemoRequested(BehaviourEvent, frozen=True, kw_only=True):
    """Somebody asked for a demonstration. Does not imply that a date was agreed."""


@DECLARED.declare(name="trial_requested", on=BEHAVIOUR)
class TrialRequested(BehaviourEvent, frozen=True, kw_only=True):
    """Somebody asked for a trial. Does not imply that it was granted or used."""


@DECLARED.declare(name="document_downloaded", on=BEHAVIOUR)
class DocumentDownloaded(BehaviourEvent, frozen=True, kw_only=True):
    """A document was fetched. Does not imply that it was opened."""

    kind: Annotated[str, Meta(description="white_paper, brochure, quote, …")] = ""
    document: str


@DECLARED.declare(name="proposal_opened", on=BEHAVIOUR)
class ProposalOpened(BehaviourEvent, frozen=True, kw_only=True):
    """A proposal made for this lead was opened."""

    proposal: str


@DECLARED.declare(name="email_opened", on=BEHAVIOUR)
class EmailOpened(BehaviourEvent, frozen=True, kw_only=True):
    """The picture in a message was loaded. Mail programs load pictures by themselves: weak evidence."""

    message: str


@DECLARED.declare(name="email_link_clicked", on=BEHAVIOUR)
class EmailLinkClicked(BehaviourEvent, frozen=True, kw_only=True):
    """A link in a message was followed, and not by a scanner that was recognised as one."""

    message: str
    link: str = ""
    purpose: Annotated[str, Meta(description="What the link is for, for example book_demo")] = ""


@DECLARED.declare(name="live_event_attended", on=BEHAVIOUR)
class LiveEventAttended(BehaviourEvent, frozen=True, kw_only=True):
    """The lead was at a fair, seminar or webinar. Implies presence, not only a registration."""

    live_event: str
    offline: bool = False


@DECLARED.declare(name="chat_started", on=BEHAVIOUR)
class ChatStarted(BehaviourEvent, frozen=True, kw_only=True):
    """A conversation was opened. What was said is not recorded here."""


@DECLARED.declare(name="unsubscribed", on=BEHAVIOUR)
class Unsubscribed(BehaviourEvent, frozen=True, kw_only=True):
    """Somebody asked for no more messages. Does not imply that none is on its way already."""

    message: Annotated[str, Meta(description="The message in which they asked; empty if in none")] = ""
    delivery_channel: Annotated[str, Meta(description="email, sms, wecom, …")] = "email"


@DECLARED.declare(name="act_recorded", on=BEHAVIOUR)
class ActRecorded(BehaviourEvent, frozen=True, kw_only=True):
    """Any other act, under the name that the client gave it. No rule knows it unless a document does."""

    name: str
    properties: Annotated[
        dict[str, Scalar],
        Meta(description="Non-identifying properties; what could name a person was left out"),
    ] = field(default_factory=dict)


_WHO: Final[Any] = {"lead": EXAMPLE_LEAD, "profile": EXAMPLE_LEAD, "source": "website"}

EXAMPLES: Final = (
    PageViewed(
        **_WHO,
        message_id="ajs-next-31c2",
        path="/pricing",
        kind="price",
        acquisition=EXAMPLE_ACQUISITION,
    ),
    FormSubmitted(
        **_WHO,
        message_id="form-7f3a",
        form="trial_request",
        start_within_months=3,
        form_version=1,
        landing_page_version="b",
        tags=["high_intent", "website"],
    ),
    DemoRequested(**_WHO, message_id="ajs-next-31c3"),
    TrialRequested(**_WHO, message_id="ajs-next-31c4"),
    DocumentDownloaded(**_WHO, message_id="ajs-next-31c5", kind="white_paper", document="smart-factory"),
    ProposalOpened(**_WHO, message_id="ajs-next-31c6", proposal="P-2044"),
    EmailOpened(**_WHO, message="welcome-1"),
    EmailLinkClicked(**_WHO, message="welcome-1", link="book", purpose="book_demo"),
    LiveEventAttended(**_WHO, live_event="spring-fair", offline=True),
    ChatStarted(**_WHO, message_id="ajs-next-31c7"),
    Unsubscribed(**_WHO, message="welcome-1"),
    ActJudged(**_WHO, act="5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f", dismissed="burst", rule="burst", verdict=1),
    ActRecorded(**_WHO, message_id="ajs-next-31c8", name="Calculator Used", properties={"product_lines": 2}),
)
