"""Nurture's settings: what does not fit together is told, all at once."""

from __future__ import annotations

import pytest

from services.nurture.settings import NurtureSettings
from shared.runtime.settings.environment import SettingsFaulty, load_settings

WHOLE = {
    "LEADMILL_NURTURE_SMTP_HOST": "mail.example.com",
    "LEADMILL_NURTURE_SENDER_ADDRESS": "news@example.com",
    "LEADMILL_NURTURE_ORGANISATION": "Mill Ltd",
    "LEADMILL_NURTURE_POSTAL_ADDRESS": "1 Mill Lane",
}


def faults_of(**changed: str) -> set[str]:
    environment = {**WHOLE, **{f"LEADMILL_NURTURE_{name}": value for name, value in changed.items()}}
    try:
        load_settings(NurtureSettings, environment=environment)
    except SettingsFaulty as error:
        return {fault.variable.removeprefix("LEADMILL_NURTURE_") for fault in error.faults}
    return set()


def test_nothing_is_needed_where_nothing_is_sent() -> None:
    assert not load_settings(NurtureSettings, environment={}).sends


def test_who_sends_says_who_they_are() -> None:
    assert not faults_of()
    assert faults_of(SENDER_ADDRESS="", ORGANISATION="", POSTAL_ADDRESS="") == {
        "SENDER_ADDRESS",
        "ORGANISATION",
        "POSTAL_ADDRESS",
    }


@pytest.mark.parametrize("address", ["news", "news@", "@example.com", "阿@example.com"])
def test_a_sender_is_an_address(address: str) -> None:
    assert faults_of(SENDER_ADDRESS=address) == {"SENDER_ADDRESS"}


@pytest.mark.parametrize(
    "address", ["news.example.com", "ftp://x", "https://", "https://a b", "https://磨坊"]
)
def test_a_public_address_is_whole_and_plain(address: str) -> None:
    assert faults_of(PUBLIC_URL=address) == {"PUBLIC_URL"}


def test_a_lease_outlasts_the_longest_conversation() -> None:
    assert faults_of(LEASE="60s", SMTP_TIMEOUT="20s") == {"LEASE"}
    assert not faults_of(LEASE="240s", SMTP_TIMEOUT="20s")
