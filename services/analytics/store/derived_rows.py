"""The tables of rows that facts stand for: appended with their facts, one row per event.

A row is never changed. What is received of a person after the erasure is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import msgspec

from services.analytics.domain.costs import Cost
from services.analytics.domain.derivation import Row as Derived
from services.analytics.domain.derivation import SentMessage
from services.analytics.domain.homes import Move
from services.analytics.domain.milestones import Milestone, SpellEvent
from services.analytics.domain.outcomes import Word
from services.analytics.domain.touch_points import Touch
from services.analytics.domain.verdicts import Verdict
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE touch (
    event text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    occurred bigint NOT NULL,
    received bigint NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    campaign text NOT NULL,
    source text NOT NULL,
    message text NOT NULL
);
CREATE INDEX touch_profile ON touch (profile);
COMMENT ON TABLE touch IS 'touch points: acts and messages that may earn credit';
COMMENT ON COLUMN touch.kind IS 'name of the rule in config/analytics/touch_points.yaml that made it one';
COMMENT ON COLUMN touch.message IS 'of a touch in a mail: its campaign is the sequence in sent_message';

CREATE TABLE word (
    event text COLLATE "C" PRIMARY KEY,
    opportunity text COLLATE "C" NOT NULL,
    profile text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    occurred bigint NOT NULL,
    received bigint NOT NULL,
    minor bigint NOT NULL,
    currency text NOT NULL,
    payment text COLLATE "C" NOT NULL
);
CREATE INDEX word_opportunity ON word (opportunity);
CREATE INDEX word_profile ON word (profile);
COMMENT ON TABLE word IS 'everything that was said about opportunities; the latest that decides counts';
COMMENT ON COLUMN word.kind IS 'created, moved, won, lost or paid';
COMMENT ON COLUMN word.minor IS 'amount won or paid, in the currency''s smallest unit';

CREATE TABLE cost (
    event text COLLATE "C" PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    campaign text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    occurred bigint NOT NULL,
    received bigint NOT NULL,
    minor bigint NOT NULL,
    currency text NOT NULL
);
COMMENT ON TABLE cost IS 'what was said of costs; the latest of source, campaign, channel, kind, day counts';

CREATE TABLE milestone (
    event text COLLATE "C" NOT NULL,
    profile text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text NOT NULL,
    at bigint NOT NULL,
    received bigint NOT NULL,
    PRIMARY KEY (event, kind)
);
CREATE INDEX milestone_profile ON milestone (profile);
COMMENT ON TABLE milestone IS 'captured (value: by which source), mql and sql (which tier), status (which)';

CREATE TABLE spell_event (
    event text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    assignment text COLLATE "C" NOT NULL,
    rep text NOT NULL,
    kind text NOT NULL,
    at bigint NOT NULL,
    received bigint NOT NULL,
    due bigint,
    in_time boolean,
    reason text NOT NULL
);
CREATE INDEX spell_event_assignment ON spell_event (assignment);
COMMENT ON TABLE spell_event IS 'what became of each spell of ownership; assignment names the spell';
COMMENT ON COLUMN spell_event.in_time IS 'of the first response: whether the clock still ran';

CREATE TABLE sent_message (
    event text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    sequence text NOT NULL,
    received bigint NOT NULL
);
CREATE INDEX sent_message_message ON sent_message (message);
COMMENT ON TABLE sent_message IS 'which sequence sent a message, so that a click in it has a campaign';

CREATE TABLE move (
    event text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    lead text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    received bigint NOT NULL
);
CREATE INDEX move_profile ON move (profile);
COMMENT ON TABLE move IS 'merges and un-merges: where a profile lives; the highest version counts';
"""

CREATE_VERDICTS: Final = """
CREATE TABLE verdict (
    event text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    act text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    counts boolean NOT NULL,
    reason text NOT NULL,
    pardons boolean NOT NULL,
    received bigint NOT NULL
);
CREATE INDEX verdict_profile ON verdict (profile);
CREATE INDEX verdict_act ON verdict (act) WHERE act <> '';
COMMENT ON TABLE verdict IS 'what was found of leads and of single acts; the highest number counts';
COMMENT ON COLUMN verdict.act IS 'the event of the act that it is about; empty: about the profile''s lead';
COMMENT ON COLUMN verdict.pardons IS 'acts received by then count, though they had been dismissed';
ALTER TABLE touch ADD COLUMN dismissed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN touch.dismissed IS 'it counted for nothing when it was told; a verdict may say otherwise';
"""

S = TypeVar("S", bound=msgspec.Struct)

_SQL_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("occurred", "received", "at", "due", "minor", "version", "number"), "bigint"),
    **dict.fromkeys(("in_time", "dismissed", "counts", "pardons"), "boolean"),
}


class RowTable(Generic[S]):
    """A table whose columns are the fields of a struct."""

    def __init__(self, name: str, struct: type[S]) -> None:
        self.name = name
        self.struct = struct
        names = [field.name for field in msgspec.structs.fields(struct)]
        self.columns = ", ".join(names)
        self._getters = [attrgetter(one) for one in names]
        arrays = ", ".join(
            f"${number}::{_SQL_TYPES.get(one, 'text')}[]" for number, one in enumerate(names, 1)
        )
        self._insert = (
            f"INSERT INTO {name} ({self.columns}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608
        )

    async def save(self, transaction: Transaction, rows: Sequence[S]) -> None:
        """Append rows; one that is there already stays as it is."""
        if rows:
            columns = [[getter(row) for row in rows] for getter in self._getters]
            await transaction.execute(self._insert, *columns)

    async def load(self, transaction: Transaction, where: str = "true", *arguments: object) -> list[S]:
        """Return the rows for which an SQL condition holds."""
        sql = f"SELECT {self.columns} FROM {self.name} WHERE {where}"  # noqa: S608 - text of this package
        return [self.struct(*row) for row in await transaction.fetch(sql, *arguments)]

    async def replace(self, transaction: Transaction, events: Sequence[str], rows: Sequence[S]) -> None:
        """Let these rows stand for these events, whatever stood before."""
        await transaction.execute(
            f"DELETE FROM {self.name} WHERE event = ANY($1::text[])",  # noqa: S608 - text of this module
            list(events),
        )
        await self.save(transaction, rows)

    async def forget(self, transaction: Transaction, erased: Mapping[str, Instant]) -> None:
        """Delete what was received of these profiles after the instant at which they were erased."""
        await transaction.execute(
            f"DELETE FROM {self.name} AS row USING unnest($1::text[], $2::bigint[]) AS gone(profile, erased)"  # noqa: S608
            " WHERE row.profile = gone.profile AND row.received > gone.erased",
            list(erased),
            list(erased.values()),
        )


TOUCHES: Final = RowTable("touch", Touch)
WORDS: Final = RowTable("word", Word)
COSTS: Final = RowTable("cost", Cost)
MILESTONES: Final = RowTable("milestone", Milestone)
SPELL_EVENTS: Final = RowTable("spell_event", SpellEvent)
SENT_MESSAGES: Final = RowTable("sent_message", SentMessage)
MOVES: Final = RowTable("move", Move)
VERDICTS: Final = RowTable("verdict", Verdict)

TABLES: Final[tuple[RowTable[Any], ...]] = (
    TOUCHES,
    WORDS,
    COSTS,
    MILESTONES,
    SPELL_EVENTS,
    SENT_MESSAGES,
    MOVES,
    VERDICTS,
)
"""Every table of derived rows."""

PERSONAL: Final[tuple[RowTable[Any], ...]] = (
    TOUCHES,
    WORDS,
    MILESTONES,
    SPELL_EVENTS,
    SENT_MESSAGES,
    VERDICTS,
)
"""Those of which an erasure takes what was received after it."""


async def save_derived(transaction: Transaction, rows: Iterable[Derived]) -> None:
    """Append derived rows, each to its table."""
    sorted_out: dict[type, list[Any]] = {}
    for row in rows:
        sorted_out.setdefault(type(row), []).append(row)
    for table in TABLES:
        await table.save(transaction, sorted_out.get(table.struct, ()))
