"""Builds every way in that needs a write key, for an edge and for whoever sends again."""

from __future__ import annotations

from collections.abc import Callable

from services.ingest.api.edge import Edge, sdk_routes
from services.ingest.api.forms.hosting import form_routes
from services.ingest.api.hooks.routes import hook_routes
from services.ingest.api.leads import lead_routes
from services.ingest.api.native.routes import native_routes
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.handlers.reading import RawReader
from services.ingest.providers.roster import PROVIDERS
from services.ingest.queries.leads import LeadSearch
from services.ingest.settings import IngestSettings
from services.ingest.store.hooks.secrets import StoredSecrets, sealing_of_hooks
from services.ingest.store.idempotency import NamedRequests
from shared.http.access import Authority
from shared.http.hot_routes import HotRoute
from shared.postgres.database import Database
from shared.runtime.blueprint import Resources
from shared.security.tokens import Tokens


def build_ways_in(
    resources: Resources,
    settings: IngestSettings,
    database: Database,
    *,
    reader: RawReader,
    rulebook: Rulebook,
    authority: Authority | None,
) -> Callable[[Edge], list[HotRoute]]:
    """Return what makes every way in that needs a write key, for one edge or another."""
    pepper = resources.secrets.pepper.reveal()
    hasher = identifier_hasher(resources.secrets.identity_key.reveal())
    search = LeadSearch(database, rules=rulebook.identity, hash_identifier=hasher)
    secrets_of_hooks = StoredSecrets(database, sealing=sealing_of_hooks(pepper))
    once = NamedRequests(database, keep=settings.remember_answers)

    def ways_in(edge: Edge) -> list[HotRoute]:
        return [
            *sdk_routes(edge),
            *native_routes(edge, once=once, reader=reader, remembered=settings.remember_answers),
            *lead_routes(
                find_leads=search.find,
                authority=authority or Tokens(database, pepper=pepper),
                clock=resources.clock,
            ),
            *form_routes(edge, rulebook, origins=settings.origins, public_url=settings.public_url),
            *hook_routes(
                edge,
                providers=PROVIDERS,
                find_secrets=secrets_of_hooks.find,
                public_url=settings.public_url,
            ),
        ]

    return ways_in
