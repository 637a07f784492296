"""Companies as scoring keeps them: their states, the facts that leads told them, what was told of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from services.scoring.domain.companies.company import (
    CompanyChange,
    CompanyChangeRow,
    CompanyFactGone,
    CompanyFactKept,
    CompanyWorking,
    KeptCompany,
    ToldCompanyChange,
)
from services.scoring.domain.facts import Fact
from shared.contracts.topics import partition_of
from shared.kernel import changes
from shared.postgres.database import Row, Transaction
from shared.processor.stage import Loaded, Write
from shared.processor.tables.states import StateTable, create_state_table

CREATE = (
    create_state_table("company", comment="companies: who told them facts, and what was told of their tiers")
    + """
CREATE TABLE company_fact (
    company text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    profile text COLLATE "C" NOT NULL,
    occurred bigint NOT NULL,
    received bigint NOT NULL,
    name text NOT NULL,
    fields bytea NOT NULL,
    PRIMARY KEY (company, id)
);
COMMENT ON TABLE company_fact IS 'what leads told a company: copies of their facts, gone once withdrawn';
CREATE TABLE company_tier_change (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company text COLLATE "C" NOT NULL,
    model text NOT NULL,
    model_version int NOT NULL,
    cause text NOT NULL,
    told_at bigint NOT NULL,
    at bigint NOT NULL,
    direction text NOT NULL,
    from_tier text NOT NULL,
    to_tier text NOT NULL,
    points bigint NOT NULL,
    restated boolean NOT NULL,
    event text NOT NULL,
    UNIQUE (company, model, cause)
);
COMMENT ON TABLE company_tier_change IS 'every tier change of a company that was told: append-only';
"""
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, object]).decode


class CompanyStore:
    """Loads companies with all their facts, and saves them under their version check."""

    def __init__(self, *, partitions: int) -> None:
        self._partitions = partitions
        self._table = StateTable("company", KeptCompany)

    async def load(
        self, transaction: Transaction, facts: Mapping[str, Sequence[changes.Fact]], *, lock: bool = False
    ) -> Mapping[str, Loaded[CompanyWorking]]:
        """Return the companies, also those that nothing is known of yet."""
        if lock:
            homes = {key: partition_of(key, self._partitions) for key in facts}
            loaded = await self._table.lock(transaction, facts, partitions=homes)
        else:
            loaded = await self._table.load(transaction, facts)
        told = await load_company_facts(transaction, list(facts))
        found = {}
        for key in facts:
            version, kept = loaded.get(key, Loaded(0, KeptCompany()))
            found[key] = Loaded(version, CompanyWorking(key, kept, told[key]))
        return found

    async def save(self, transaction: Transaction, writes: Sequence[Write[CompanyWorking]]) -> int:
        """Save companies, then what they were told and what was told of them."""
        saved = await self._table.save(
            transaction, [Write(w.key, w.partition, w.version, w.state.kept, ()) for w in writes]
        )
        if saved == len(writes):
            await _save_rows(transaction, [row for write in writes for row in write.rows])
        return saved


async def _save_rows(transaction: Transaction, rows: Sequence[object]) -> None:
    last: dict[tuple[str, str], Fact | None] = {}
    for row in rows:
        if isinstance(row, CompanyFactKept):
            last[row.company, row.fact.id] = row.fact
        elif isinstance(row, CompanyFactGone):
            last[row.company, row.id] = None
    gone = sorted(key for key, fact in last.items() if fact is None)
    if gone:
        await transaction.execute(
            "DELETE FROM company_fact f USING unnest($1::text[], $2::text[]) AS g(company, id)"
            " WHERE f.company = g.company AND f.id = g.id",
            [company for company, _ in gone],
            [fact_id for _, fact_id in gone],
        )
    kept = sorted((key, fact) for key, fact in last.items() if fact is not None)
    if kept:
        await transaction.execute(
            "INSERT INTO company_fact (company, id, profile, occurred, received, name, fields)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],"
            " $6::text[], $7::bytea[]) ON CONFLICT DO NOTHING",
            [company for (company, _), _ in kept],
            [fact.id for _, fact in kept],
            [fact.profile for _, fact in kept],
            [fact.occurred for _, fact in kept],
            [fact.received for _, fact in kept],
            [fact.name for _, fact in kept],
            [_encode(dict(fact.fields)) for _, fact in kept],
        )
    told = [row for row in rows if isinstance(row, CompanyChangeRow)]
    if told:
        await transaction.execute(
            "INSERT INTO company_tier_change (company, model, model_version, cause, told_at, at, direction,"
            " from_tier, to_tier, points, restated, event) SELECT * FROM unnest($1::text[], $2::text[],"
            " $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[],"
            " $10::bigint[], $11::boolean[], $12::text[])",
            [row.company for row in told],
            [row.change.model for row in told],
            [row.change.version for row in told],
            [row.cause for row in told],
            [row.told_at for row in told],
            [row.change.at for row in told],
            [row.change.direction for row in told],
            [row.change.from_tier for row in told],
            [row.change.to_tier for row in told],
            [row.change.points for row in told],
            [row.change.restated for row in told],
            [row.event for row in told],
        )


async def load_company_facts(
    transaction: Transaction, companies: Collection[str]
) -> dict[str, tuple[Fact, ...]]:
    """Return all facts stored under these companies, oldest first."""
    found: dict[str, list[Fact]] = {company: [] for company in companies}
    rows = await transaction.fetch(
        "SELECT * FROM company_fact WHERE company = ANY($1::text[]) ORDER BY occurred, id", list(companies)
    )
    for row in rows:
        found[row["company"]].append(
            Fact(
                *(row["id"], row["profile"], row["occurred"], row["received"], row["name"]),
                _decode(row["fields"]),
            )
        )
    return {company: tuple(facts) for company, facts in found.items()}


async def find_untold(transaction: Transaction, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of these (company, fact id) that are not there."""
    rows = await transaction.fetch(
        "SELECT w.company, w.id FROM unnest($1::text[], $2::text[]) AS w(company, id)"
        " LEFT JOIN company_fact f ON f.company = w.company AND f.id = w.id WHERE f.id IS NULL",
        [company for company, _ in wanted],
        [fact_id for _, fact_id in wanted],
    )
    return {(row["company"], row["id"]) for row in rows}


async def find_companies(transaction: Transaction, keys: Collection[str]) -> frozenset[str]:
    """Return those of these keys that are companies'."""
    rows = await transaction.fetch("SELECT key FROM company WHERE key = ANY($1::text[])", list(keys))
    return frozenset(row["key"] for row in rows)


async def load_company(transaction: Transaction, company: str) -> CompanyWorking | None:
    """Return one company and its facts, for questions; None if nothing is known of it."""
    loaded = await StateTable("company", KeptCompany).load(transaction, [company])
    if company not in loaded:
        return None
    facts = await load_company_facts(transaction, [company])
    return CompanyWorking(company, loaded[company].state, facts[company])


async def load_companies_page(transaction: Transaction, *, after: str, limit: int) -> list[CompanyWorking]:
    """Return the next companies by id with their facts, for checks."""
    rows = await transaction.fetch(
        "SELECT key FROM company WHERE key > $1 AND payload IS NOT NULL ORDER BY key LIMIT $2", after, limit
    )
    keys = [row["key"] for row in rows]
    states = await StateTable("company", KeptCompany).load(transaction, keys)
    facts = await load_company_facts(transaction, keys)
    return [CompanyWorking(key, states[key].state, facts[key]) for key in keys]


async def load_company_changes(transaction: Transaction, company: str) -> list[ToldCompanyChange]:
    """Return every tier change that was told of a company, in order of telling."""
    rows = await transaction.fetch(
        "SELECT * FROM company_tier_change WHERE company = $1 ORDER BY number", company
    )
    return [_told(row) for row in rows]


def _told(row: Row) -> ToldCompanyChange:
    change = CompanyChange(
        *(row["model"], row["model_version"], row["direction"], row["from_tier"], row["to_tier"]),
        *(row["points"], row["at"], row["restated"], ()),
    )
    return ToldCompanyChange(row["told_at"], change, row["cause"], row["event"])
