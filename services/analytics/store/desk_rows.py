"""Opens the desk of a batch and saves what was made of it: a fixed number of statements, whatever its size.

Locks are taken in the order leads, opportunities, each by name. Whoever adds a touch or a word, or moves
a profile, holds the leads concerned; whoever adds a word holds the leads of everybody whom a word about
that opportunity names. So the touches of a lead and the words that decide its deals stand still.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from services.analytics.domain.credits import Crediting
from services.analytics.domain.derivation import Erasure
from services.analytics.domain.desk import Desk, Learned
from services.analytics.domain.facts import Fact, scrubbed
from services.analytics.domain.homes import Home, Move, lead_of
from services.analytics.domain.outcomes import Word
from services.analytics.domain.touch_points import Touch
from services.analytics.domain.verdicts import Verdict
from services.analytics.metrics import AnalyticsMetrics
from services.analytics.store.derived_rows import PERSONAL, TOUCHES, VERDICTS, WORDS, save_derived
from services.analytics.store.facts import count_facts, forget_facts, load_facts, replace_facts, save_facts
from services.analytics.store.sharings import (
    load_sharings,
    lock_opportunities,
    save_opportunities,
    save_sharings,
)
from shared.kernel import changes
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.postgres.faults import WriteConflict

CREATE: Final = """
CREATE TABLE lead (id text COLLATE "C" PRIMARY KEY);
COMMENT ON TABLE lead IS 'leads with touches or outcomes; locked by whoever changes their credits';

CREATE TABLE profile (
    id text COLLATE "C" PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    erased bigint
);
CREATE INDEX profile_lead ON profile (lead);
COMMENT ON TABLE profile IS 'profiles that moved or were erased; any other lives at the lead named like it';
COMMENT ON COLUMN profile.lead IS 'where it lives now';
COMMENT ON COLUMN profile.version IS 'the highest of its moves; 0: none';
COMMENT ON COLUMN profile.erased IS 'when the person''s wish was received; nothing received later is kept';
"""


class Profiles(NamedTuple):
    """What is known of some profiles: where they live, and which are erased since when."""

    homes: dict[str, Home]
    erased: dict[str, Instant]


class DeskRows:
    """Loads and saves desks; ``crediting`` says how outcomes are shared."""

    def __init__(self, crediting: Crediting, metrics: AnalyticsMetrics) -> None:
        self._crediting = crediting
        self._metrics = metrics

    async def open(self, transaction: Transaction, facts: Sequence[changes.Fact]) -> Desk:
        """Lock and load what these facts may change.

        :raises WriteConflict: if a profile moved meanwhile, or somebody else's word about the same
            opportunity came first; it is tried again.
        """
        learned = [fact.event for fact in facts if isinstance(fact.event, Learned)]
        moving = [one for one in learned if one.moves_credit]
        everybody = {one.fact.profile for one in learned}
        if not moving:
            profiles = await load_profiles(transaction, everybody)
            return Desk(self._crediting, homes=profiles.homes, erased=profiles.erased)
        wanted = _Wanted.of(moving)
        leads = await self._lock(transaction, wanted)
        profiles = await load_profiles(transaction, everybody | leads, residents_of=leads)
        words = await WORDS.load(
            transaction,
            "opportunity IN (SELECT opportunity FROM word WHERE profile = ANY($1::text[])"
            " UNION SELECT unnest($2::text[]))",
            sorted(_residents(leads, profiles.homes)),
            sorted(wanted.opportunities),
        )
        strangers = {word.profile for word in words} - profiles.homes.keys()
        if strangers:
            profiles.homes.update((await load_profiles(transaction, strangers)).homes)
        self._require_locks(leads, profiles.homes, wanted, words)
        concerned = wanted.destinations | {lead_of(profiles.homes, word.profile) for word in words}
        concerned |= {lead_of(profiles.homes, one) for one in wanted.deciding}
        touches: list[Touch] = []
        verdicts: list[Verdict] = []
        if words or wanted.deciding:
            theirs = "profile = ANY($1::text[])", sorted(_residents(concerned & leads, profiles.homes))
            touches = await TOUCHES.load(transaction, *theirs)
            verdicts = await VERDICTS.load(transaction, *theirs)
        opportunities = {word.opportunity for word in words}
        return Desk(
            self._crediting,
            leads=frozenset(leads),
            homes=profiles.homes,
            erased=profiles.erased,
            words={word.event: word for word in words},
            touches={touch.event: touch for touch in touches},
            verdicts={verdict.event: verdict for verdict in verdicts},
            stored=await load_sharings(transaction, opportunities) if opportunities else {},
            facts_of=await count_facts(transaction, wanted.erased) if wanted.erased else {},
        )

    async def _lock(self, transaction: Transaction, wanted: _Wanted) -> set[str]:
        """Lock the leads that these facts concern, then the opportunities; return the leads."""
        named = set(wanted.profiles)
        if wanted.opportunities or wanted.erased:
            rows = await transaction.fetch(
                "SELECT DISTINCT profile, opportunity FROM word WHERE opportunity = ANY($1::text[])"
                " OR opportunity IN (SELECT opportunity FROM word WHERE profile = ANY($2::text[]))",
                sorted(wanted.opportunities),
                sorted(wanted.erased),
            )
            named |= {row["profile"] for row in rows}
            wanted.opportunities.update(row["opportunity"] for row in rows)
        homes = (await load_profiles(transaction, named)).homes
        leads = wanted.destinations | {lead_of(homes, profile) for profile in named}
        await lock_leads(transaction, leads)
        if wanted.opportunities:
            await lock_opportunities(transaction, wanted.opportunities)
        return leads

    def _require_locks(
        self, leads: set[str], homes: Mapping[str, Home], wanted: _Wanted, words: Iterable[Word]
    ) -> None:
        needed = {lead_of(homes, profile) for profile in wanted.profiles} | {
            lead_of(homes, word.profile) for word in words if word.opportunity in wanted.opportunities
        }
        if not needed <= leads:
            raise WriteConflict("a lead moved or was named meanwhile; the batch is tried again")

    async def save(self, transaction: Transaction, desk: Desk) -> None:
        """Append facts with what they stand for, and rewrite what changed of what follows from them."""
        result = desk.settle()
        await save_facts(transaction, [one.fact for one in result.learned])
        await save_derived(transaction, (row for one in result.learned for row in one.rows))
        changed = result.homes.keys() | result.erased.keys()
        if changed:
            await save_profiles(transaction, changed, homes=desk.homes, erased=desk.erased)
        if result.erased:
            await _erase(transaction, result.erased)
        await save_opportunities(transaction, result.opportunities)
        await save_sharings(transaction, result.sharings)
        self._metrics.settled(result)


class _Wanted(NamedTuple):
    """Whom and what the facts of a batch concern, as far as credits go.

    ``deciding`` are profiles whose words, moves or erasures may bring a lead its first deal.
    """

    profiles: set[str]
    deciding: set[str]
    erased: set[str]
    destinations: set[str]
    opportunities: set[str]

    @classmethod
    def of(cls, learned: Iterable[Learned]) -> _Wanted:
        wanted = cls(set(), set(), set(), set(), set())
        for one in learned:
            profile = one.fact.profile
            wanted.profiles.add(profile)
            for row in one.rows:
                if isinstance(row, Word | Move | Erasure):
                    wanted.deciding.add(profile)
                if isinstance(row, Word):
                    wanted.opportunities.add(row.opportunity)
                elif isinstance(row, Move):
                    wanted.destinations.add(row.lead)
                elif isinstance(row, Erasure):
                    wanted.erased.add(profile)
        return wanted


def _residents(leads: Collection[str], homes: Mapping[str, Home]) -> set[str]:
    """Return the profiles that live at these leads, as far as ``homes`` tells."""
    moved_here = {profile for profile, home in homes.items() if home.lead in leads}
    return moved_here | {lead for lead in leads if lead_of(homes, lead) == lead}


async def lock_leads(transaction: Transaction, leads: Collection[str]) -> None:
    """Lock leads in order of their ids, also those that nothing was known of yet."""
    ordered = sorted(leads)
    await transaction.execute(
        "INSERT INTO lead (id) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING", ordered
    )
    await transaction.execute("SELECT FROM lead WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE", ordered)


async def load_profiles(
    transaction: Transaction, profiles: Collection[str], *, residents_of: Collection[str] = ()
) -> Profiles:
    """Return what is known of profiles, and of all that live at some leads; most have no row."""
    rows = await transaction.fetch(
        "SELECT id, lead, version, erased FROM profile WHERE id = ANY($1::text[]) OR lead = ANY($2::text[])",
        list(profiles),
        list(residents_of),
    )
    return Profiles(
        {row["id"]: Home(row["version"], row["lead"]) for row in rows},
        {row["id"]: row["erased"] for row in rows if row["erased"] is not None},
    )


async def save_profiles(
    transaction: Transaction, ids: Iterable[str], *, homes: Mapping[str, Home], erased: Mapping[str, Instant]
) -> None:
    """Write where profiles live and since when they are erased."""
    ordered = sorted(ids)
    found = [homes.get(one) or Home(0, one) for one in ordered]
    await transaction.execute(
        "INSERT INTO profile (id, lead, version, erased)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])"
        " ON CONFLICT (id) DO UPDATE SET lead = excluded.lead, version = excluded.version,"
        " erased = excluded.erased",
        ordered,
        [home.lead for home in found],
        [home.version for home in found],
        [erased.get(one) for one in ordered],
    )


async def _erase(transaction: Transaction, erased: Mapping[str, Instant]) -> None:
    """Take out what was received after the erasures, and scrub what stays."""
    await forget_facts(transaction, erased)
    for table in PERSONAL:
        await table.forget(transaction, erased)
    kept: list[Fact] = await load_facts(transaction, list(erased))
    await replace_facts(transaction, [scrubbed(fact) for fact in kept])
