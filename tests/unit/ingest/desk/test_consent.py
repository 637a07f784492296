"""Consent: every word is kept, and the stricter one holds where two leads become one."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.directory import Directory, Told, strictest
from services.ingest.domain.identifiers import IdentifierKind, identifier_hasher
from shared.contracts.events.contacts import ContactUpdated
from tests.examples import tried
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, on_intake
from tests.unit.ingest.test_identity import lead, message

HASH = identifier_hasher(IDENTITY_KEY)
MINUTE = 60_000_000


class TestAWordOfConsent:
    def test_is_kept_with_channel_purpose_source_and_time(self) -> None:
        directory = Directory()
        agreed: dict[str, Any] = {"email": "a@example.com", "consent_email.newsletter": "yes"}
        on_intake(directory, lead(**agreed))
        on_intake(directory, lead(email="a@example.com", consent_sms=False, minutes=1, source="crm"))
        on_intake(
            directory,
            message("track", event="Unsubscribed", email="a@example.com", properties={}, minutes=2),
        )
        told = [(one.channel, one.purpose, one.given, one.source, one.at) for one in directory.consents]
        assert told == [
            ("email", "newsletter", True, "crm", RECEIVED),
            ("sms", "", False, "crm", RECEIVED + MINUTE),
            ("email", "", False, "website", RECEIVED + 2 * MINUTE),
        ]
        (owner,) = {one.lead for one in directory.consents}
        assert owner in directory.leads

    def test_said_again_is_kept_again(self) -> None:
        directory = Directory()
        for minute in range(3):
            on_intake(directory, lead(email="a@example.com", consent_email=True, minutes=minute))
        assert [one.given for one in directory.consents] == [True, True, True]

    def test_of_a_message_that_is_undone_is_not_kept(self) -> None:
        directory = Directory()
        on_intake(directory, lead(email="a@example.com", consent_email=True))
        on_intake(directory, lead(email="a@example.com", consent_email=False, minutes=1))
        directory.undo_fact()
        assert [one.given for one in directory.consents] == [True]

    def test_goes_to_everybody_under_channel_and_purpose(self) -> None:
        directory = Directory()
        words: dict[str, Any] = {"consent_email.newsletter": False, "consent_email": True}
        said = on_intake(directory, lead(email="a@example.com", **words))
        contact = said[-1].event
        assert isinstance(contact, ContactUpdated)
        assert contact.consents == {"email": True, "email.newsletter": False}


class TestWhereTwoLeadsBecomeOne:
    def test_a_refusal_of_either_stays_though_the_other_agreed_later(self) -> None:
        directory = Directory()
        on_intake(directory, lead(email="a@example.com", name="A", consent_email=False))
        on_intake(directory, lead(phone="13800138000", name="A", consent_email=True, minutes=5))
        said = on_intake(directory, lead(email="a@example.com", phone="13800138000", name="A", minutes=9))
        contact = said[-1].event
        assert isinstance(contact, ContactUpdated)
        assert contact.consents == {"email": False}
        later = on_intake(directory, lead(email="a@example.com", consent_email=True, minutes=10))
        contact = later[-1].event
        assert isinstance(contact, ContactUpdated)
        assert contact.consents == {"email": True}, "they agreed after all"

    @settings(max_examples=tried(80), deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from(["consent_email", "consent_sms", "consent_email.news", "name"]),
            st.builds(Told, st.booleans(), st.integers(0, 5), st.just("a")),
        ),
        st.dictionaries(
            st.sampled_from(["consent_email", "consent_sms", "consent_email.news", "name"]),
            st.builds(Told, st.booleans(), st.integers(0, 5), st.just("b")),
        ),
    )
    def test_it_makes_no_difference_which_is_named_first(
        self, first: dict[str, Told], second: dict[str, Told]
    ) -> None:
        one, other = strictest(first, second), strictest(second, first)
        assert one.keys() == other.keys() == first.keys() | second.keys()
        for name in one:
            if name.startswith("consent_"):
                words = [told[name].value for told in (first, second) if name in told]
                assert one[name].value is other[name].value is all(words)
            assert one[name].at == other[name].at


def test_an_identifier_of_a_person_says_nothing_of_consent() -> None:
    directory = Directory()
    on_intake(directory, lead(email="a@example.com"))
    assert directory.consents == []
    assert directory.lead_of(HASH(IdentifierKind.EMAIL, "a@example.com")) is not None
