"""The keys of the platform's own services: derived, the same everywhere, and nobody else's."""

from __future__ import annotations

from shared.security.credentials import is_well_formed
from shared.security.internal_keys import PREFIX, internal_key, service_of

PEPPER = b"p" * 32
SERVICES = ("ingest", "nurture", "routing")


def test_every_process_derives_the_same_key_for_a_service() -> None:
    assert internal_key(PEPPER, "nurture") == internal_key(PEPPER, "nurture")
    assert is_well_formed(internal_key(PEPPER, "nurture").reveal(), prefix=PREFIX)


def test_services_and_deployments_have_different_keys() -> None:
    keys = {internal_key(pepper, service) for pepper in (PEPPER, b"q" * 32) for service in SERVICES}
    assert len(keys) == 6


def test_a_key_is_known_as_its_services_and_nobody_elses() -> None:
    key = internal_key(PEPPER, "nurture").reveal()
    assert service_of(PEPPER, key, services=SERVICES) == "nurture"
    assert service_of(PEPPER, key, services=("ingest", "routing")) is None
    assert service_of(b"q" * 32, key, services=SERVICES) is None
    assert service_of(PEPPER, key[:-1], services=SERVICES) is None
    assert service_of(PEPPER, "", services=SERVICES) is None
