"""A form as its document gives it, and the faults that such a document can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from services.ingest.domain.desk.consent import PURPOSE
from services.ingest.domain.links.addresses import TargetRefused, check_target
from services.ingest.domain.traits import CONSENT
from shared.kernel.faults import Fault

HONEYPOT_FIELDS: Final = ("website", "_gotcha", "_honeypot")
"""Fields that a person cannot see; whoever fills them is a machine."""

Language = Literal["zh", "en"]
Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
FieldKind = Literal["text", "long_text", "email", "phone", "number", "date", "choice", "choices", "yes_no"]
Texts = dict[Language, Annotated[str, Meta(min_length=1, max_length=2_000)]]
"""A text by language."""


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several answers; ``value`` is what is sent."""

    value: Annotated[str, Meta(min_length=1, max_length=100)]
    label: Texts


class FormField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question. ``field`` is our name for what it asks, or one of the form's own, kept as free text."""

    field: Name
    kind: FieldKind = "text"
    label: Texts
    required: bool = False
    hint: Texts = {}
    choices: tuple[Option, ...] = ()


class Consent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent to messages on one delivery channel; ``version`` is that of its ``text``, and only rises.

    With a ``purpose`` it is a consent to messages of that purpose alone.
    """

    channel: Name = "email"
    purpose: Annotated[str, Meta(pattern="^([a-z][a-z0-9_]{0,62})?$")] = ""
    version: Annotated[int, Meta(ge=1)]
    text: Texts
    required: bool = False

    @property
    def name(self) -> str:
        """What is consented to: the channel, and its purpose if it names one."""
        return f"{self.channel}{PURPOSE}{self.purpose}" if self.purpose else self.channel

    @property
    def field(self) -> str:
        """The name of its box in the form."""
        return f"{CONSENT}{self.name}"


class FurtherAct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a submission says was done besides filling in a form, as a client would report it."""

    act: str
    properties: dict[str, str] = {}


class FormDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One form. The first of its ``languages`` is the one it speaks if nobody asks for another.

    Of each group in ``one_of`` one field has to be filled in. ``tags`` stand on the act. ``redirect`` is
    where a person is led afterwards, our own page of thanks if it is empty. With ``allowed_origins``
    what pages of other origins send goes to quarantine.
    """

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    languages: Annotated[tuple[Language, ...], Meta(min_length=1)] = ("zh", "en")
    title: Texts
    intro: Texts = {}
    button: Texts
    thanks: Texts
    fields: Annotated[tuple[FormField, ...], Meta(min_length=1, max_length=60)]
    one_of: tuple[tuple[Name, ...], ...] = ()
    consents: tuple[Consent, ...] = ()
    acts: tuple[FurtherAct, ...] = ()
    tags: tuple[Name, ...] = ()
    redirect: str = ""
    allowed_origins: tuple[str, ...] = ()

    def terms_of(self, consent: str) -> str:
        """Return what names the text that is agreed to, for example contact@2; empty if there is none."""
        return next((f"{self.name}@{one.version}" for one in self.consents if one.name == consent), "")


class Forms:
    """The forms there are, of each the newest version and those before it."""

    def __init__(self, documents: Sequence[FormDocument] = ()) -> None:
        self._versions = {(form.name, form.version): form for form in documents}
        self._newest: dict[str, FormDocument] = {}
        for form in sorted(documents, key=lambda form: form.version):
            self._newest[form.name] = form

    @property
    def newest(self) -> Mapping[str, FormDocument]:
        """The newest version of each form, by name."""
        return self._newest

    def find(self, name: str, version: int | None = None) -> FormDocument | None:
        """Return a form in this version, in its newest if none is asked for, or None."""
        return self._newest.get(name) if version is None else self._versions.get((name, version))


_WITH_CHOICES: Final = frozenset({"choice", "choices"})


def find_faults(
    form: FormDocument, *, is_act: Callable[[str], bool], our_name_of: Callable[[str], str]
) -> Iterator[Fault]:
    """Return what does not fit together in one document."""
    seen: set[str] = set()
    for place, asked in enumerate(form.fields):
        ours = our_name_of(asked.field)
        if ours in seen:
            yield Fault(f"fields[{place}].field", "asks for the same as another field")
        seen.add(ours)
        for part, text in _find_faults_of(asked):
            yield Fault(f"fields[{place}].{part}", text)
    names = {asked.field for asked in form.fields}
    for place, group in enumerate(form.one_of):
        if len(group) < 2 or not names.issuperset(group):
            yield Fault(f"one_of[{place}]", "names two or more fields of this form")
    for place, further in enumerate(form.acts):
        if not is_act(further.act):
            yield Fault(f"acts[{place}].act", "is none that acts.yaml or we have a name for")
    if len({one.name for one in form.consents}) < len(form.consents):
        yield Fault("consents", "name one channel twice for the same purpose")
    yield from _find_faults_of_places(form)
    yield from _find_silence(form)


def _find_faults_of(asked: FormField) -> Iterator[tuple[str, str]]:
    if asked.field in HONEYPOT_FIELDS:
        yield "field", "is the name of a field that catches machines; choose another"
    if asked.field.startswith(CONSENT):
        yield "field", "a consent stands under consents, with its text and version"
    if (asked.kind in _WITH_CHOICES) != bool(asked.choices):
        yield "choices", "belong to the kinds choice and choices, and to no other"
    if len({option.value for option in asked.choices}) < len(asked.choices):
        yield "choices", "name one value twice"


def _find_faults_of_places(form: FormDocument) -> Iterator[Fault]:
    if form.redirect:
        try:
            check_target(form.redirect)
        except TargetRefused:
            yield Fault("redirect", "is written https://www.example.com/thanks")
    for place, origin in enumerate(form.allowed_origins):
        if origin_of(origin) != origin:
            yield Fault(f"allowed_origins[{place}]", "is written https://www.example.com, without a path")


def _find_silence(form: FormDocument) -> Iterator[Fault]:
    """Return the texts that are missing in a language of the form."""
    texts: list[tuple[str, Texts]] = [
        ("title", form.title),
        ("button", form.button),
        ("thanks", form.thanks),
        *((f"fields[{place}].label", asked.label) for place, asked in enumerate(form.fields)),
        *((f"consents[{place}].text", one.text) for place, one in enumerate(form.consents)),
        *(
            (f"fields[{place}].choices[{nth}].label", option.label)
            for place, asked in enumerate(form.fields)
            for nth, option in enumerate(asked.choices)
        ),
    ]
    texts += [(path, given) for path, given in (("intro", form.intro),) if given]
    texts += [(f"fields[{p}].hint", asked.hint) for p, asked in enumerate(form.fields) if asked.hint]
    if len(set(form.languages)) < len(form.languages):
        yield Fault("languages", "name one language twice")
    for path, given in texts:
        for language in form.languages:
            if language not in given:
                yield Fault(path, f"says nothing in {language}, which the form speaks")


def origin_of(address: str) -> str | None:
    """Return the origin of an address of the web (https://www.example.com), None if it is none."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.hostname}{port}"
