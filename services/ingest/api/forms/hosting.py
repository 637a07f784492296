"""The pages that we host: a form, its thanks, and the snippet that puts it into somebody else's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.types import Receive, Scope, Send

from services.ingest.api.edge import Caller, Edge, caller_of
from services.ingest.api.forms.rendering import PageAddress, form_page, headers_of, message_page, snippet
from services.ingest.api.forms.submitting import (
    THANKS,
    FormUnknown,
    Redirects,
    Submitting,
    navigates,
    show_verdict,
)
from services.ingest.api.links.pages import HTML, LANGUAGES, language_of
from services.ingest.api.links.redirecting import origin_of as origin_of_request
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.forms.definitions import FormDocument, Forms, Language
from services.ingest.domain.links.addresses import CLICK, UTM
from services.ingest.domain.traits import FieldNames
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.kernel.errors import Unavailable, Verdict

LANDING_PAGE_VERSION: Final = "landing_page_version"

_LONGEST_HIDDEN: Final = 500
_FREE_THANKS: Final[Mapping[Language, tuple[str, str]]] = {
    "zh": ("谢谢！", "我们已收到您提交的内容。"),
    "en": ("Thank you", "We have received what you sent."),
}


class Hosting:
    """Answers GET under /f/. ``click_ids`` are the parameters of ad platforms that a form carries along."""

    def __init__(
        self,
        edge: Edge,
        *,
        forms: Forms,
        redirects: Redirects,
        click_ids: frozenset[str],
        public_url: str,
    ) -> None:
        self._edge = edge
        self._forms = forms
        self._redirects = redirects
        self._click_ids = click_ids
        self._carried = hidden_fields(click_ids)
        self._public_url = public_url

    async def show(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Show a form, its hidden fields filled from the address."""
        caller = caller_of(scope)
        try:
            form = await self._open(scope, caller)
        except Verdict as verdict:
            await self._tell(scope, send, caller, verdict)
            return
        carried = [
            (name, values[-1][:_LONGEST_HIDDEN])
            for name, values in caller.query.items()
            if name.lower() in self._carried
        ]
        referrer = caller.headers.get(b"referer", "")[:_LONGEST_HIDDEN]
        hidden = [*carried, ("referrer", referrer)] if referrer else carried
        at = PageAddress(key=scope["path_params"]["form_key"], query=urlencode(carried))
        page = form_page(form, _language_of(caller, form), at, hidden=hidden)
        headers = headers_of(form, leads_to=self._redirects.origins)
        await send_json(send, 200, page, headers=headers, media_type=HTML)

    async def thank(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Show a form's page of thanks; it needs no key, and tells nothing of anybody."""
        caller = caller_of(scope)
        form = self._forms.find(scope["path_params"]["form"])
        if form is None:
            await self._tell(scope, send, caller, FormUnknown(field="form"))
            return
        language = _language_of(caller, form)
        page = message_page(form.thanks[language], "", language)
        await send_json(send, 200, page, headers=headers_of(form), media_type=HTML)

    async def thank_for_anything(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Show the page of thanks of forms that have no document."""
        language = _language_of(caller_of(scope), None)
        page = message_page(*_FREE_THANKS[language], language)
        await send_json(send, 200, page, headers=headers_of(None), media_type=HTML)

    async def show_snippet(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Show a form as HTML to be pasted into a page; ``?beacon=1`` adds the picture of a page view."""
        caller = caller_of(scope)
        form = await self._open(scope, caller)
        text = snippet(
            form,
            _language_of(caller, form),
            key=scope["path_params"]["form_key"],
            base=self._public_url or origin_of_request(scope),
            hidden=self._carried,
            beacon=caller.query.get("beacon", ["0"])[-1] in {"1", "true", "yes"},
        )
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        await send_json(send, 200, text.encode(), headers=headers, media_type="text/plain; charset=utf-8")

    async def _tell(self, scope: Scope, send: Send, caller: Caller, verdict: Verdict) -> None:
        if not navigates(caller):
            raise verdict
        await self._edge.refusals.note(scope, verdict)
        await show_verdict(send, caller, verdict)

    async def _open(self, scope: Scope, caller: Caller) -> FormDocument:
        """Return the form that an address names.

        While keys cannot be checked the form is shown; what is sent then is told what to do.

        :raises FormUnknown: if there is none.
        :raises WriteKeyInvalid: if the key is none that opens forms.
        """
        form = self._forms.find(scope["path_params"]["form"])
        if form is None:
            raise FormUnknown(field="form")
        key = scope["path_params"]["form_key"]
        try:
            await self._edge.authenticate(caller, (key,), body=b"", door="forms", is_last_chance=True)
        except Unavailable:
            return form
        return form


def hidden_fields(click_ids: frozenset[str]) -> tuple[str, ...]:
    """Return the names of the hidden fields that tell what brought somebody, and to which page."""
    return (*UTM, CLICK, LANDING_PAGE_VERSION, *sorted(click_ids))


def form_routes(
    edge: Edge, rulebook: Rulebook, *, origins: frozenset[str], public_url: str
) -> list[HotRoute]:
    """Return the routes of forms; ``origins`` are those to which any form may lead a person."""
    forms, redirects, base = Forms(rulebook.forms), Redirects(origins), public_url.rstrip("/")
    submitting = Submitting(
        edge,
        forms=forms,
        find_name=FieldNames(rulebook.field_names).find,
        rules=rulebook.identity,
        redirects=redirects,
        public_url=base,
    )
    hosting = Hosting(
        edge,
        forms=forms,
        redirects=redirects,
        click_ids=frozenset(name.lower() for name in rulebook.channels.click_ids),
        public_url=base,
    )
    read = ("GET", "HEAD")
    return [
        HotRoute(path=THANKS, methods=read, app=hosting.thank_for_anything, operation=_FREE_THANK),
        HotRoute(path="/f/{form_key}", app=submitting.take, operation=_SUBMIT),
        HotRoute(path="/f/{form_key}/{form}", app=submitting.take, operation=_SUBMIT_NAMED),
        HotRoute(path="/f/{form_key}/{form}", methods=read, app=hosting.show, operation=_SHOW),
        HotRoute(path="/f/{form_key}/{form}/thanks", methods=read, app=hosting.thank, operation=_THANK),
        HotRoute(
            path="/f/{form_key}/{form}/snippet", methods=read, app=hosting.show_snippet, operation=_SNIPPET
        ),
    ]


def _language_of(caller: Caller, form: FormDocument | None) -> Language:
    spoken = form.languages if form is not None else LANGUAGES
    asked = caller.query.get("lang", [""])[-1].lower().partition("-")[0]
    named = next((one for one in spoken if one == asked), None)
    return named or language_of(caller.headers.get(b"accept-language", ""), spoken=spoken)


_NAMES: Final[list[dict[str, Any]]] = [
    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name in ("form_key", "form")
]
_LANGUAGE: Final[dict[str, Any]] = {
    "name": "lang",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["zh", "en"]},
}
_PAGE: Final[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}}}
_KEPT: Final[dict[str, Any]] = {
    "200": {"description": "Kept", "content": {"application/json": {"schema": {"type": "object"}}}},
    "303": {"description": "Kept; the person is led on"},
    "401": {"description": "`write_key.invalid`"},
    "422": {"description": "`form.invalid`: fields, reasons and what to do, in the page's language"},
    "503": {"description": "Not kept; the page shows what was typed"},
}
_BODY: Final[dict[str, Any]] = {
    "content": {
        kind: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
        for kind in (
            *("application/x-www-form-urlencoded", "multipart/form-data", "application/json"),
            "text/plain",
        )
    }
}
_SUBMIT: Final[dict[str, Any]] = {
    "summary": "An HTML form; the hidden field _form may name a form that has a document",
    "tags": ["forms"],
    "parameters": _NAMES[:1],
    "requestBody": _BODY,
    "responses": _KEPT,
}
_SUBMIT_NAMED: Final[dict[str, Any]] = {
    "summary": "A form that has a document, filled in",
    "tags": ["forms"],
    "parameters": _NAMES,
    "requestBody": _BODY,
    "responses": {**_KEPT, "404": {"description": "`form.unknown`; what was sent is in quarantine"}},
}
_SHOW: Final[dict[str, Any]] = {
    "summary": "A form's page",
    "tags": ["forms"],
    "parameters": [*_NAMES, _LANGUAGE],
    "responses": {
        "200": {"description": "The page", "content": _PAGE},
        "401": {"description": "`write_key.invalid`"},
        "404": {"description": "`form.unknown`"},
    },
}
_THANK: Final[dict[str, Any]] = {
    "summary": "A form's page of thanks",
    "tags": ["forms"],
    "parameters": [*_NAMES, _LANGUAGE],
    "responses": {
        "200": {"description": "The page", "content": _PAGE},
        "404": {"description": "`form.unknown`"},
    },
}
_SNIPPET: Final[dict[str, Any]] = {
    "summary": "A form as HTML to paste into a page",
    "tags": ["forms"],
    "parameters": [
        *_NAMES,
        _LANGUAGE,
        {"name": "beacon", "in": "query", "required": False, "schema": {"type": "boolean"}},
    ],
    "responses": {
        "200": {"description": "The HTML", "content": {"text/plain": {"schema": {"type": "string"}}}},
        "401": {"description": "`write_key.invalid`"},
        "404": {"description": "`form.unknown`"},
    },
}
_FREE_THANK: Final[dict[str, Any]] = {
    "summary": "The page of thanks of forms that have no document",
    "tags": ["forms"],
    "parameters": [_LANGUAGE],
    "responses": {"200": {"description": "The page", "content": _PAGE}},
}
