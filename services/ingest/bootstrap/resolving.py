"""Builds the resolver by the documents in ``config/ingest``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from services.ingest.domain.choices import Added
from services.ingest.domain.erasure import WipeAgain
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.identity.settling import MergeLeads, SettleConflict
from services.ingest.domain.links.definitions import AddLink, ChangeLink
from services.ingest.domain.respelling.adding import AddSpelling, ReadAnew, TakeBackSpelling
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tags.commands import ChangeTag
from services.ingest.domain.validity.judging import Judge
from services.ingest.handlers.erasing import on_erasure, on_wipe_again
from services.ingest.handlers.hearing import hear
from services.ingest.handlers.judging import Judging
from services.ingest.handlers.linking import on_link_command
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import IntakeHandler, retell_contact
from services.ingest.handlers.respelling import on_spelling_command
from services.ingest.handlers.settling import Settling
from services.ingest.handlers.story import tell_story
from services.ingest.handlers.tags.tagging import Tagging
from services.ingest.handlers.unmerging import Unmerging
from services.ingest.metrics import IngestMetrics
from services.ingest.providers.roster import hook_readers
from services.ingest.store.directory_commands import DirectoryCommands
from services.ingest.store.documents import read_rulebook
from services.ingest.store.identity.settling import SettlingCommands
from services.ingest.store.imports.documents import read_import_rules
from services.ingest.store.links import carry_out as carry_out_link_command
from services.ingest.store.resolver import Resolver
from services.ingest.store.resolving.ports import ReadRaw
from services.ingest.store.respelling.anew import ReadingAnew
from services.ingest.store.respelling.resolving import SpellingResolver
from services.ingest.store.respelling.spellings import carry_out as carry_out_spelling_command
from services.ingest.store.tags.catalogue import carry_out as carry_out_tag_command
from shared.kernel.changes import Fact
from shared.postgres.database import Transaction
from shared.processor.stage import Decision, Outcome

NAME: Final = "ingest"


def new_record_id() -> str:
    """Return the id of a message that has none of its own; never the same twice."""
    return secrets.token_hex(16)


def build_resolver(
    config: Path,
    *,
    identity_key: bytes,
    metrics: IngestMetrics,
    default_region: str = "CN",
    default_currency: str = "",
) -> Resolver:
    """Return the resolver by the documents in ``config/ingest``.

    :raises DocumentFaults: with every fault and its path.
    """
    rulebook = read_rulebook(config / NAME, default_region=default_region)
    hasher = identifier_hasher(identity_key)

    def make_reader(added: Sequence[Added]) -> ReadRaw:
        reader = RawReader(
            rulebook,
            hash_identifier=hasher,
            currency=default_currency,
            hooks=hook_readers(),
            added=added,
        )
        return reader.on_raw_received

    judging = Judging(Judge(rulebook.validity, rulebook.identity, hash_identifier=hasher))
    tagging = Tagging(
        TagRules(rulebook.tags),
        taking_in=IntakeHandler(rulebook.matching, hash_identifier=hasher, judge=judging.on_message),
        unmerging=Unmerging(hasher),
        settling=Settling(rulebook.matching),
    )
    reading_anew = ReadingAnew(rulebook.choices, tagging.on_read_anew, currency=default_currency)
    directory = DirectoryCommands(
        on_erasure=on_erasure,
        on_unmerge=tagging.on_unmerge,
        on_correction=tagging.on_correction,
        on_tag_leads=tagging.on_tag_leads,
        on_word=judging.on_word,
        rejudge=judging.rejudge,
    )

    settling = SettlingCommands(tagging, rejudge=judging.rejudge)

    async def carry_out(transaction: Transaction, fact: Fact) -> Decision:
        if isinstance(fact.event, AddLink | ChangeLink):
            return await carry_out_link_command(transaction, fact, decide=on_link_command)
        if isinstance(fact.event, ChangeTag):
            return await carry_out_tag_command(transaction, fact, decide=tagging.on_change_tag)
        if isinstance(fact.event, MergeLeads | SettleConflict):
            return await settling.carry_out(transaction, fact)
        if isinstance(fact.event, AddSpelling | TakeBackSpelling):
            return await carry_out_spelling_command(
                transaction, fact, rules=rulebook.choices, decide=on_spelling_command
            )
        if isinstance(fact.event, ReadAnew):
            return await reading_anew.carry_out(transaction, fact)
        if isinstance(fact.event, WipeAgain):
            return Decision(Outcome.PROCESSED, on_wipe_again(fact.event, at=fact.received), reply={})
        return await directory.carry_out(transaction, fact)

    return SpellingResolver(
        make_reader=make_reader,
        take_in=judging.with_bursts(tagging.on_intake),
        watch_bursts=judging.watch_bursts,
        tell_story=tell_story,
        command=carry_out,
        retell_contact=retell_contact,
        hear=hear,
        on_word_heard=judging.on_word_heard,
        rules=rulebook.matching,
        meter=metrics,
    )


def check_documents(config: Path) -> None:
    """Read every business document of this service and make of it what the service makes of it.

    :raises DocumentFaults: with every fault and its path.
    """
    build_resolver(config, identity_key=bytes(32), metrics=IngestMetrics(CollectorRegistry()))
    read_import_rules(config / NAME)
