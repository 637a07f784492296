"""The verdict about a lead: valid or not, for which reason; and the profiles that carry another one yet.

A lead is invalid while somebody says so, or a rule finds a reason; what a person said last counts above
every rule. All profiles of a lead carry the same verdict. A profile counts the verdicts about it, which
take turns: an odd number stands for invalid.
"""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

import msgspec

from services.ingest.domain.directory import Contact, Directory, Lead, Profile
from services.ingest.domain.evidence.marks import BOUNCE, BY_HAND, Mark, Marks, put, word_of
from services.ingest.domain.identifiers import HashIdentifier, IdentifierKind, IdentityRules
from services.ingest.domain.intake import Intake
from services.ingest.domain.traits import fold_name
from services.ingest.domain.validity.persons import Finding, Persons
from services.ingest.domain.validity.rules import ValidityRules
from services.ingest.domain.validity.senders import STAFF, TEST
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

SENDER: Final = "sender"
"""The rule of what the sender of a message told about the lead behind it."""

BOUNCED: Final = "emailbounced"
"""The act Email Bounced, folded: a mail could not be delivered; for good, unless its ``kind`` is soft."""

NO_REASON_LEFT: Final = "no_reason_left"


class InvalidateLead(msgspec.Struct, frozen=True, kw_only=True):
    """The command: a person says that a lead is nobody for sales, with a listed reason."""

    lead: str
    reason: str
    by: str


class ValidateLead(msgspec.Struct, frozen=True, kw_only=True):
    """The command: a person says that a lead is valid, whatever the rules found.

    With ``pardons`` its acts that were dismissed so far count, too.
    """

    lead: str
    by: str
    pardons: bool = False


class WordHeard(msgspec.Struct, frozen=True, gc=False):
    """Routing says that a person in sales moved a lead's status to invalid, or from there; ``by`` whom."""

    lead: str
    is_valid: bool
    reason: str
    by: str


class ReasonUnknown(Rejected):
    """The reason is none of those listed; GET /v1/validity/reasons lists them."""

    code: ClassVar[str] = "lead.reason_unknown"


class Verdict(NamedTuple):
    """A verdict about one profile, the ``number``-th; ``by`` is who asked for it, empty for a rule."""

    profile: str
    lead: str
    is_invalid: bool
    number: int
    reason: str
    rule: str
    by: str
    pardons: bool = False


def is_invalid(profile: Profile) -> bool:
    """Return whether a profile carries the verdict that its lead is invalid."""
    return profile.verdict % 2 == 1


class Judge:
    """Judges leads under one set of rules; pure."""

    def __init__(
        self, rules: ValidityRules, identity: IdentityRules, *, hash_identifier: HashIdentifier
    ) -> None:
        self.rules = rules
        self._persons = Persons(rules, identity)
        self._hash = hash_identifier

    def heed(self, lead: Lead, intake: Intake, *, was_captured: bool) -> Lead:
        """Return the lead with what a message tells about its validity.

        A machine's message speaks against a lead that it captured, and not against one that was known.
        What was found of senders ends with an act of the lead that counts, not with what a system reports.
        """
        marks = lead.marks
        if intake.act is not None and fold_name(intake.act.name) == BOUNCED:
            marks = self._bounced(lead, marks, intake)
        elif intake.anchors:
            if not intake.dismissed and intake.act is not None:
                marks = tuple(one for one in marks if one.rule != SENDER)
            elif intake.dismissed and (not was_captured or intake.dismissed in {STAFF, TEST}):
                marks = put(marks, Mark(lead.id, SENDER, intake.dismissed, intake.occurred))
        return lead if marks == lead.marks else msgspec.structs.replace(lead, marks=marks)

    def _bounced(self, lead: Lead, marks: Marks, intake: Intake) -> Marks:
        email = lead.contact.text("email")
        if email is None or (intake.act is not None and intake.act.fields.get("kind") == "soft"):
            return marks
        return put(marks, Mark(lead.id, BOUNCE, "undeliverable", intake.occurred, about=self._hash_of(email)))

    def find(self, lead: Lead) -> tuple[Finding, str] | None:
        """Return why a lead is nobody, and who says so, None if it is valid."""
        word = word_of(lead.marks)
        if word is not None:
            return None if word.is_valid else (Finding(word.reason, BY_HAND), word.by)
        sender = next((one for one in lead.marks if one.rule == SENDER), None)
        if sender is not None:
            return Finding(sender.reason, SENDER), ""
        found = self._persons.find(lead) or self._find_bounce(lead.marks, lead.contact)
        return None if found is None else (found, "")

    def _find_bounce(self, marks: Marks, contact: Contact) -> Finding | None:
        email = contact.text("email")
        if email is None or contact.text("phone") is not None:
            return None
        about = None
        for mark in marks:
            if mark.rule == BOUNCE:
                about = about or self._hash_of(email)
                if mark.about == about:
                    return Finding(mark.reason, mark.rule)
        return None

    def settle(self, directory: Directory, lead: Lead, *, pardons: bool = False) -> list[Verdict]:
        """Let every profile of a lead carry the lead's verdict; return those that carried another one.

        Nothing is said of visitors who are still anonymous, nor of whoever was erased.
        """
        if not lead.is_captured or lead.erased is not None:
            return []
        found = self.find(lead)
        verdicts = []
        for profile in directory.profiles_of(lead.id):
            if is_invalid(profile) == (found is not None):
                continue
            number = profile.verdict + 1
            directory.save_profile(msgspec.structs.replace(profile, verdict=number))
            verdicts.append(_verdict(profile, lead, number, found, pardons=pardons))
        return verdicts

    def take_word(
        self, lead: Lead, command: InvalidateLead | ValidateLead, *, at: Instant, field: str = "reason"
    ) -> Lead:
        """Return the lead with what a person said of it; the reason stood under ``field``.

        :raises ReasonUnknown: if the reason is none of those listed.
        """
        if isinstance(command, ValidateLead):
            return _with_word(lead, BY_HAND, command.by, at=at, is_valid=True)
        if command.reason not in self.rules.reasons:
            raise ReasonUnknown(f"choose one of {', '.join(self.rules.reasons)}", field=field)
        return _with_word(lead, command.reason, command.by, at=at)

    def hear_word(self, lead: Lead, word: WordHeard, *, at: Instant) -> Lead:
        """Return the lead with what was said of it in sales, whose reasons are listed there.

        It counts above what was said here before, whatever the clocks of those who said it: routing has
        done as it says already, and learns of nothing but verdicts.
        """
        before = word_of(lead.marks)
        at = at if before is None else max(at, before.at + 1)
        return _with_word(
            lead, BY_HAND if word.is_valid else word.reason, word.by, at=at, is_valid=word.is_valid
        )

    def _hash_of(self, email: str) -> str:
        return self._hash(IdentifierKind.EMAIL, email).hash


def _with_word(lead: Lead, reason: str, by: str, *, at: Instant, is_valid: bool = False) -> Lead:
    mark = Mark(lead.id, BY_HAND, reason, at, by=by, is_valid=is_valid)
    return msgspec.structs.replace(lead, version=lead.version + 1, marks=put(lead.marks, mark))


def _verdict(
    profile: Profile, lead: Lead, number: int, found: tuple[Finding, str] | None, *, pardons: bool
) -> Verdict:
    if found is not None:
        finding, by = found
        return Verdict(profile.id, lead.id, True, number, finding.reason, finding.rule, by)
    word = word_of(lead.marks)
    if word is not None and word.is_valid:
        return Verdict(profile.id, lead.id, False, number, BY_HAND, BY_HAND, word.by, pardons)
    return Verdict(profile.id, lead.id, False, number, NO_REASON_LEFT, "", "")
