"""What visitors send: kept first, then answered in their language.

A browser that submits a form never tries again, so nothing that can be kept is refused but what the
form itself asks of its visitor; and what is refused is kept in quarantine, with the reason. A person
who navigates sees a page, with all that they typed; a script is answered in JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.api.edge import Caller, Edge, caller_of
from services.ingest.api.forms.rendering import PageAddress, form_page, headers_of, message_page
from services.ingest.api.links.pages import HTML, LANGUAGES, language_of
from services.ingest.api.messages import LARGEST_EVENT, EventTooLarge, Message, Parcel
from services.ingest.api.statuses import STATUSES
from services.ingest.domain.dialects.captures import FORM_NAME, IDEMPOTENCY_KEY
from services.ingest.domain.dialects.form_fields import Fields, read_fields
from services.ingest.domain.forms.checking import FieldFault, Filled, FindName, check, take_up
from services.ingest.domain.forms.definitions import (
    HONEYPOT_FIELDS,
    FormDocument,
    Forms,
    Language,
    origin_of,
)
from services.ingest.domain.forms.wording import explain, page_of, say
from services.ingest.domain.identifiers import IdentifierKind, IdentityRules
from services.ingest.domain.links.addresses import TargetRefused, check_target
from services.ingest.handlers.reading import RequestContext
from shared.http.bodies import read_body
from shared.http.problems import PROBLEM_JSON, make_problem, problem_of, send_json
from shared.http.problems import headers_of as problem_headers_of
from shared.kernel.errors import Rejected, Unavailable, Verdict
from shared.kernel.instants import MINUTE

THANKS: Final = "/f/thanks"
"""Where a person is led who submitted a form that names no page of its own."""

LANGUAGE: Final = "_lang"
VERSION: Final = "_form_version"
REDIRECT: Final = "_redirect"

_OURS: Final = frozenset({LANGUAGE, VERSION, FORM_NAME})
_SAME_SUBMISSION: Final = 5 * MINUTE
_LONGEST_ORIGIN: Final = 200
_LONGEST_NAME: Final = 64


class FormUnknown(Rejected):
    """There is no form of this name; `leadmill form list` lists them. What was sent is in quarantine."""

    code = "form.unknown"


class FormInvalid(Rejected):
    """The form is not filled in as it asks to be; errors names fields, reasons and what to do."""

    code = "form.invalid"


class Redirects(NamedTuple):
    """Origins (``https://www.example.com``) to which a form may lead the person who sent it."""

    origins: frozenset[str] = frozenset()

    def target_of(self, wanted: str | None) -> str | None:
        """Return the page that was wished for, as it may stand in a header, if it may be, else None."""
        try:
            address = check_target(wanted or "")
        except TargetRefused:
            return None
        return address if origin_of(address) in self.origins else None


class _Sent(NamedTuple):
    """One submission, read."""

    form: FormDocument | None
    name: str
    fields: Fields
    filled: Filled | None
    faults: Sequence[FieldFault]
    language: Language

    def last(self, name: str) -> str:
        return next((value for key, value in reversed(self.fields) if key == name), "")


class Submitting:
    """Takes submissions; ``find_name`` gives our names for fields, ``public_url`` is where we are reached."""

    def __init__(
        self,
        edge: Edge,
        *,
        forms: Forms,
        find_name: FindName,
        rules: IdentityRules,
        redirects: Redirects,
        public_url: str,
    ) -> None:
        self._edge = edge
        self._forms = forms
        self._find_name = find_name
        self._rules = rules
        self._redirects = redirects
        self._public_url = public_url

    async def take(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one submission.

        :raises Verdict: (to scripts) with what is wrong; a person sees it on a page.
        """
        caller = caller_of(scope)
        try:
            await self._take(scope, caller, receive, send)
        except Verdict as verdict:
            if not navigates(caller):
                raise
            await self._edge.refusals.note(scope, verdict)
            await show_verdict(send, caller, verdict)

    async def _take(self, scope: Scope, caller: Caller, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive)
        if len(body) > LARGEST_EVENT:
            raise EventTooLarge
        key = scope["path_params"]["form_key"]
        entrance = await self._edge.authenticate(caller, (key,), body=body, door="forms", is_last_chance=True)
        enctype = _enctype_of(caller, body)
        sent = self._read(scope, caller, read_fields(body, enctype=enctype))
        message = Message(
            enctype, body, _submission_of(self._edge, entrance.source, sent), _key_of(sent.fields)
        )
        try:
            ids = await self._edge.take(
                scope,
                caller,
                Parcel([message], ()),
                entrance=entrance,
                channel="form",
                batch_context=self._context_of(caller, sent),
            )
        except Unavailable as trouble:
            if sent.form is None or not navigates(caller):
                raise
            await self._show_again(send, key, sent, trouble=trouble)
            return
        if sent.name and sent.form is None:
            await _tell_unknown(send, caller, sent.name)
        elif sent.faults:
            await self._refuse(send, caller, key, sent)
        elif navigates(caller):
            await send_json(send, 303, b"", headers={"location": self._target_of(key, sent)})
        else:
            await send_json(send, 200, msgspec.json.encode({"success": True, "id": ids[0]}))

    def _read(self, scope: Scope, caller: Caller, fields: Fields) -> _Sent:
        named = scope["path_params"].get("form", "")
        wanted = named or next((value for name, value in fields if name == FORM_NAME), "")
        form = self._forms.find(wanted)
        asked = next((value for name, value in fields if name == LANGUAGE), "")
        spoken = form.languages if form is not None else LANGUAGES
        accepted = caller.headers.get(b"accept-language", "")
        language = next((one for one in spoken if one == asked), language_of(accepted, spoken=spoken))
        if form is None:
            return _Sent(None, named[:_LONGEST_NAME], fields, None, (), language)
        filled = take_up(form, fields, find_name=self._find_name)
        is_trapped = any(value.strip() for name, value in fields if name in HONEYPOT_FIELDS)
        faults = [] if is_trapped else check(form, filled, rules=self._rules)
        return _Sent(form, form.name, fields, filled, faults, language)

    def _context_of(self, caller: Caller, sent: _Sent) -> str | None:
        if not sent.name:
            return None
        context = RequestContext(
            form=sent.name,
            form_version=None if sent.form is None else self._version_seen(sent.form, sent.last(VERSION)),
            origin=self._foreign_origin_of(caller),
            is_refused=sent.form is None or bool(sent.faults),
        )
        return msgspec.json.encode(context).decode()

    def _version_seen(self, form: FormDocument, told: str) -> int | None:
        """Return the version of the form that the visitor had before them, None if that cannot be told."""
        if not told:
            return form.version
        if not (told.isascii() and told.isdigit() and len(told) < 10):
            return None
        seen = self._forms.find(form.name, int(told))
        return None if seen is None else seen.version

    def _foreign_origin_of(self, caller: Caller) -> str:
        origin = caller.headers.get(b"origin", "")[:_LONGEST_ORIGIN]
        is_own = "//" in origin and origin.partition("//")[2] == caller.headers.get(b"host", "")
        return "" if is_own or origin == origin_of(self._public_url) else origin

    def _target_of(self, key: str, sent: _Sent) -> str:
        form = sent.form
        if form is None:
            return self._redirects.target_of(sent.last(REDIRECT)) or THANKS
        allowed = Redirects(self._redirects.origins | {*form.allowed_origins, origin_of(form.redirect) or ""})
        wished = allowed.target_of(sent.last(REDIRECT)) or allowed.target_of(form.redirect)
        return wished or PageAddress(key=key).of(form.name, language=sent.language, part="/thanks")

    async def _refuse(self, send: Send, caller: Caller, key: str, sent: _Sent) -> None:
        if navigates(caller):
            await self._show_again(send, key, sent)
            return
        assert sent.form is not None
        told = [
            {"field": fault.field, "code": fault.code, "problem": explain(sent.form, fault, sent.language)}
            for fault in sent.faults
        ]
        problem = make_problem(
            status=422,
            code=FormInvalid.code,
            message=" ".join(dict.fromkeys(one["problem"] for one in told)),
            field=told[0]["field"],
            errors=told,
        )
        await send_json(send, 422, msgspec.json.encode(problem), media_type=PROBLEM_JSON)

    async def _show_again(
        self, send: Send, key: str, sent: _Sent, *, trouble: Unavailable | None = None
    ) -> None:
        """Show the form with what was typed, and why it is shown again."""
        form = sent.form
        assert form is not None
        assert sent.filled is not None
        headers = headers_of(form, leads_to=self._redirects.origins)
        if trouble is not None:
            headers |= problem_headers_of(problem_of(trouble), trouble)
        page = form_page(
            form,
            sent.language,
            PageAddress(key=key),
            hidden=self._carried(form, sent.fields),
            filled=sent.filled,
            faults=sent.faults,
            notice=say("unavailable", sent.language) if trouble is not None else "",
        )
        await send_json(send, 422 if trouble is None else 503, page, headers=headers, media_type=HTML)

    def _carried(self, form: FormDocument, fields: Fields) -> list[tuple[str, str]]:
        """Return what a page sent besides the form's own questions; it goes along when it is sent again."""
        asked = {self._find_name(one.field) for one in form.fields} | {one.field for one in form.consents}
        return [
            (name, value)
            for name, value in fields
            if value
            and name not in _OURS
            and name not in HONEYPOT_FIELDS
            and self._find_name(name) not in asked
        ]


def navigates(caller: Caller) -> bool:
    """Return whether a person is to see the answer, rather than a script."""
    if (mode := caller.headers.get(b"sec-fetch-mode")) is not None:
        return mode == "navigate"
    return caller.headers.get(b"accept", "").lstrip().startswith("text/html")


async def _tell_unknown(send: Send, caller: Caller, name: str) -> None:
    """Tell which form there is not; what was sent has been kept, so no sample of it is needed."""
    verdict = FormUnknown(field="form")
    if navigates(caller):
        await show_verdict(send, caller, verdict)
        return
    problem = problem_of(verdict, statuses=STATUSES)
    text = f"{problem.message} The name was: {name}"  # told to whoever sent it, and to nobody else
    told = msgspec.structs.replace(problem, message=text, detail=text)
    await send_json(send, problem.status, msgspec.json.encode(told), media_type=PROBLEM_JSON)


async def show_verdict(send: Send, caller: Caller, verdict: Verdict) -> None:
    """Tell a person on a page what a script would be told as a problem."""
    problem = problem_of(verdict, statuses=STATUSES)
    language = language_of(caller.headers.get(b"accept-language", ""), spoken=LANGUAGES)
    title, text = page_of(problem.code, problem.status, language)
    headers = {**headers_of(None), **problem_headers_of(problem, verdict)}
    page = message_page(title, text, language)
    await send_json(send, problem.status, page, headers=headers, media_type=HTML)


def _enctype_of(caller: Caller, body: bytes) -> str:
    """Return how the body is written; what it looks like counts more than what it is called."""
    start = body.lstrip()[:1]
    if start == b"{":
        return "json"
    called = caller.headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if called == "multipart/form-data" or (body.startswith(b"--") and b"form-data;" in body[:400]):
        return "multipart"
    if called == "text/plain" and (b"\n" in body or b"&" not in body):
        return "text"
    return "urlencoded"


def _submission_of(edge: Edge, source: str, sent: _Sent) -> str:
    """Return the message id of a submission: the page's own, or one that a double click repeats."""
    for name, value in sent.fields:
        if name == IDEMPOTENCY_KEY and value:
            return value
    told = "\x1e".join(f"{name}\x1f{value.strip()}" for name, value in sent.fields if value.strip())
    slot = edge.clock.now() // _SAME_SUBMISSION
    submission = f"{source}\x1d{told}" + (f"\x1d{sent.name}" if sent.name else "")
    digest = edge.stamper.hash_of("form", submission)
    return f"form-{digest}-{slot}"


def _key_of(fields: Fields) -> tuple[IdentifierKind, str] | None:
    given = {name.strip().lower(): value.strip() for name, value in fields if value.strip()}
    for kind, names in (
        (IdentifierKind.ANONYMOUS, ("_anonymous_id",)),
        (IdentifierKind.EMAIL, ("email", "e-mail", "mail")),
        (IdentifierKind.PHONE, ("phone", "mobile", "tel")),
    ):
        for name in names:
            if name in given:
                return kind, given[name].lower() if kind is IdentifierKind.EMAIL else given[name]
    return None
