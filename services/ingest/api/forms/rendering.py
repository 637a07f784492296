"""Form pages as HTML: no script, one small stylesheet that the page's own policy names by its hash."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from services.ingest.domain.forms.checking import LONGEST_LINE, LONGEST_TEXT, FieldFault, Filled
from services.ingest.domain.forms.definitions import FormDocument, FormField, Language, origin_of
from services.ingest.domain.forms.wording import SAYINGS, explain, say

_FOLDER: Final = Path(__file__).parent / "templates"
_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
)
_TAGS: Final[Mapping[Language, str]] = {"zh": "zh-CN", "en": "en"}
_INPUT_TYPES: Final = {"email": "email", "phone": "tel", "date": "date"}
_COMPLETES: Final = {
    "name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "email": "email",
    "phone": "tel",
    "company_name": "organization",
    "title": "organization-title",
}
NOTHING: Final = Filled({}, frozenset())
"""What is filled in on a page that is seen for the first time."""

Hidden = Sequence[tuple[str, str]]


class _Style(NamedTuple):
    text: Markup
    digest: str


@cache
def _style() -> _Style:
    """Return the stylesheet, and the hash by which a page's policy lets it in."""
    text = (_FOLDER / "style.css").read_text("utf-8").strip()
    return _Style(Markup(text), base64.b64encode(sha256(text.encode()).digest()).decode())  # noqa: S704 - ours


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAddress:
    """Where a form stands: its key, and what its address says besides the language."""

    key: str
    query: str = ""

    def of(self, form: str, *, language: Language | None = None, part: str = "") -> str:
        """Return the address of a form, or of a part of it, in a language."""
        query = "&".join(filter(None, (f"lang={language}" if language else "", self.query)))
        path = f"/f/{quote(self.key, safe='')}/{quote(form, safe='')}{part}"
        return f"{path}?{query}" if query else path


def headers_of(form: FormDocument | None, *, leads_to: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers of a form's page; ``leads_to`` are origins to which a submission may lead on."""
    origins = set(leads_to)
    frames = "'none'"
    if form is not None:
        origins |= {*form.allowed_origins, *filter(None, (origin_of(form.redirect),))}
        frames = " ".join(("'self'", *form.allowed_origins))
    style = _style()
    actions = " ".join(("'self'", *sorted(origins)))
    policy = (
        f"default-src 'none'; style-src 'sha256-{style.digest}'; base-uri 'none';"
        f" form-action {actions}; frame-ancestors {frames}"
    )
    return {
        "cache-control": "no-store",
        "content-security-policy": policy,
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
    }


def form_page(
    form: FormDocument,
    language: Language,
    at: PageAddress,
    *,
    hidden: Hidden = (),
    filled: Filled = NOTHING,
    faults: Sequence[FieldFault] = (),
    notice: str = "",
) -> bytes:
    """Return a form's page, with what was filled in and what is to be put right."""
    told = {fault.field: explain(form, fault, language) for fault in faults}
    is_first_sight = not faults and not notice
    other = next((one for one in form.languages if one != language and is_first_sight), None)
    text = _TEMPLATES.get_template("form.html.j2").render(
        html_language=_TAGS[language],
        style=_style().text,
        title=form.title[language],
        intro=form.intro.get(language, ""),
        button=form.button[language],
        says=_sayings(language),
        other_language=None
        if other is None
        else {
            "address": at.of(form.name, language=other),
            "tag": _TAGS[other],
            "name": say("other_language", language),
        },
        action=PageAddress(key=at.key).of(form.name),
        hidden=[("_lang", language), ("_form_version", str(form.version)), *hidden],
        has_one_of=bool(form.one_of),
        fields=[_field(form, asked, language, filled, told) for asked in form.fields],
        consents=_consents(form, language, filled, told),
        faults=[{"field": name, "text": why} for name, why in told.items()],
        notice=notice,
    )
    return text.encode()


def message_page(title: str, text: str, language: Language) -> bytes:
    """Return a page that says one thing."""
    page = _TEMPLATES.get_template("message.html.j2").render(
        html_language=_TAGS[language],
        style=_style().text,
        title=title,
        text=text,
    )
    return page.encode()


def snippet(
    form: FormDocument, language: Language, *, key: str, base: str, hidden: Sequence[str], beacon: bool
) -> str:
    """Return a form as HTML to be pasted into any page; ``base`` is where people reach us.

    ``beacon`` adds a picture that tells of the page view, with a place for the visitor's id.
    """
    names: list[tuple[str, str]] = [("_lang", language), ("_form_version", str(form.version))]
    names += [(name, "") for name in hidden]
    if beacon:
        names.append(("_anonymous_id", ANONYMOUS_ID))
    pixel = (
        f"{base}/pixel/v1/page?writeKey={quote(key, safe='')}&properties.path=/&anonymousId={ANONYMOUS_ID}"
    )
    return _TEMPLATES.get_template("snippet.html.j2").render(
        title=form.title[language],
        button=form.button[language],
        says=_sayings(language),
        action=f"{base}{PageAddress(key=key).of(form.name)}",
        hidden=names,
        fields=[_field(form, asked, language, NOTHING, {}) for asked in form.fields],
        consents=_consents(form, language, NOTHING, {}),
        beacon=pixel if beacon else "",
    )


ANONYMOUS_ID: Final = "{{anonymous_id}}"
"""Stands in a snippet where a page puts its visitor's id; left as it is it identifies nobody."""


def _sayings(language: Language) -> dict[str, str]:
    return {kind: texts[language] for kind, texts in SAYINGS.items()}


def _field(
    form: FormDocument, asked: FormField, language: Language, filled: Filled, told: Mapping[str, str]
) -> dict[str, Any]:
    values = filled.values.get(asked.field, ())
    chosen = {value.strip() for value in values}
    options = [
        {
            "value": option.value,
            "label": option.label[language],
            "is_chosen": option.value in chosen,
        }
        for option in asked.choices
    ]
    if asked.kind == "yes_no":
        options = [
            {"value": answer, "label": say(answer, language), "is_chosen": answer in chosen}
            for answer in ("yes", "no")
        ]
    why, hint = told.get(asked.field), asked.hint.get(language, "")
    described = [f"{asked.field}-hint"] * bool(hint) + [f"{asked.field}-fault"] * bool(why)
    attributes = _described(described, is_invalid=why is not None)
    if asked.required:
        attributes += Markup(" required")
    if asked.field in _COMPLETES:
        attributes += Markup(' autocomplete="{}"').format(_COMPLETES[asked.field])
    if asked.kind == "number":
        attributes += Markup(' inputmode="decimal"')
    return {
        "name": asked.field,
        "kind": asked.kind,
        "label": asked.label[language],
        "required": asked.required,
        "is_one_of": any(asked.field in group for group in form.one_of),
        "hint": hint,
        "value": filled.text(asked.field),
        "options": options,
        "input_type": _INPUT_TYPES.get(asked.kind, "text"),
        "longest": LONGEST_TEXT if asked.kind == "long_text" else LONGEST_LINE,
        "attributes": attributes,
        "describes": _described(described, is_invalid=why is not None),
        "faults": [why] if why else [],
    }


def _consents(
    form: FormDocument, language: Language, filled: Filled, told: Mapping[str, str]
) -> list[dict[str, Any]]:
    shown = []
    for consent in form.consents:
        why = told.get(consent.field)
        attributes = _described([f"{consent.field}-fault"] * bool(why), is_invalid=why is not None)
        if consent.required:
            attributes += Markup(" required")
        shown.append(
            {
                "name": consent.field,
                "text": consent.text[language],
                "is_given": consent.name in filled.agreed,
                "attributes": attributes,
                "faults": [why] if why else [],
            }
        )
    return shown


def _described(by: Sequence[str], *, is_invalid: bool) -> Markup:
    """Return the attributes by which a screen reader finds what belongs to a field."""
    told = Markup("")
    if by:
        told += Markup(' aria-describedby="{}"').format(escape(" ".join(by)))
    if is_invalid:
        told += Markup(' aria-invalid="true"')
    return told
