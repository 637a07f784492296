"""Writes a mail: the words chosen for a lead, their name, signed links, and the headers that mail asks for.

Authors write plain text with merge tags. What a tag brings in is text, never markup and never a template,
and templates can do nothing but put text together.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.nurture.domain.contents import ContentSet, Words
from services.nurture.domain.leads import Contact
from services.nurture.domain.messages import Message
from services.nurture.domain.signing import sign
from shared.documents.faults import Fault, raise_if_any
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, to_datetime
from shared.kernel.redacted import Redacted

_POLICY: Final = SMTP.clone(max_line_length=78)
_SAMPLES: Final[tuple[Mapping[str, str], ...]] = (
    {"name": "", "company": ""},
    {"name": "Ada & <Co>", "company": "“Works”"},
)


class Unwritable(Rejected):
    """The words for this message are gone, or cannot be put together; see `leadmill config check`."""

    code = "nurture.unwritable"


class AddressUnusable(Rejected):
    """The address is none that mail can be sent to; correct the contact."""

    code = "nurture.address_unusable"


class Letterhead(NamedTuple):
    """What stands on every letter. ``public_url`` is where recipients reach ``/t/``."""

    sender_address: str
    sender_name: str
    organisation: str
    postal_address: str
    public_url: str


class Letter(NamedTuple):
    """A letter ready to be handed over."""

    recipient: str
    content: bytes


class _Linked(NamedTuple):
    """A link as it stands in a letter."""

    label: str
    address: str


class Layouts:
    """The frames of letters, read once. :raises DocumentFaults: naming the frame that is none."""

    def __init__(self, folder: Path) -> None:
        undefined = jinja2.StrictUndefined
        self._plain = ImmutableSandboxedEnvironment(autoescape=False, undefined=undefined)
        markup = ImmutableSandboxedEnvironment(autoescape=True, undefined=undefined)
        self._text = _read(self._plain, folder / "letter.txt.j2")
        self._html = _read(markup, folder / "letter.html.j2")

    def fill(self, template: str, values: Mapping[str, str]) -> str:
        """Return an author's line with its merge tags filled in. :raises Unwritable: if it cannot be."""
        try:
            return self._plain.from_string(template).render(values)
        except Exception as error:  # what a template does wrong may raise anything
            raise Unwritable(f"a merge tag does not work: {error}") from error

    def frame(self, values: Mapping[str, object]) -> tuple[str, str]:
        """Return a letter as text and as HTML. :raises Unwritable: if a frame has a fault."""
        try:
            return self._text.render(values), self._html.render(values)
        except Exception as error:  # as above
            raise Unwritable(f"a frame names something that letters do not have: {error}") from error


def _read(environment: jinja2.Environment, path: Path) -> jinja2.Template:
    try:
        return environment.from_string(path.read_text("utf-8"))
    except (jinja2.TemplateError, OSError) as error:
        raise_if_any([Fault(path.name, f"is no frame for letters: {error}")], about="layouts")
        raise AssertionError("unreachable: a fault was just noted") from error


class Letters:
    """Writes letters under one head, with links signed by one key."""

    def __init__(
        self, contents: ContentSet, layouts: Layouts, head: Letterhead, *, signing_key: Redacted[bytes]
    ) -> None:
        self._contents = contents
        self._layouts = layouts
        self._head = head
        self._key = signing_key

    def write(self, message: Message, contact: Contact, *, at: Instant) -> Letter:
        """Return the letter of a message.

        :raises Unwritable: if its words are gone or have a fault.
        :raises AddressUnusable: if the contact's address is none.
        """
        content = self._contents.find(message.content, message.content_version)
        if content is None:
            raise Unwritable
        words = content.find(message.variant, message.language)
        recipient = _recipient(contact)
        values = {"name": contact.name or "", "company": contact.company or ""}
        subject = " ".join(self._layouts.fill(words.subject, values).split())
        text, html = self._frame(message.id, words, values, subject)
        letter = self._address(message.id, contact, recipient, at=at)
        letter["Subject"] = subject
        letter.set_content(text, cte="quoted-printable")
        letter.add_alternative(html, subtype="html", cte="quoted-printable")
        # an address may be longer than a line, and a library that folds it would encode it
        way_out = f"List-Unsubscribe: <{self._unsubscribe(message.id)}>\r\n"
        return Letter(recipient.addr_spec, way_out.encode("ascii") + letter.as_bytes(policy=_POLICY))

    def _frame(self, message: str, words: Words, values: Mapping[str, str], subject: str) -> tuple[str, str]:
        head = self._head
        return self._layouts.frame(
            {
                "language": words.language,
                "subject": subject,
                "paragraphs": [self._layouts.fill(line, values) for line in words.paragraphs],
                "links": [
                    _Linked(link.label, self._link(message, number, link.url))
                    for number, link in enumerate(words.links)
                ],
                "organisation": head.organisation,
                "postal_address": head.postal_address,
                "unsubscribe": self._unsubscribe(message),
                "pixel": f"{head.public_url}/t/o/{sign(self._key.reveal(), 'open', message)}.gif",
            }
        )

    def _link(self, message: str, number: int, url: str) -> str:
        token = sign(self._key.reveal(), "click", message, number=number, target=url)
        return f"{self._head.public_url}/t/c/{token}?u={quote(url, safe='')}"

    def _unsubscribe(self, message: str) -> str:
        return f"{self._head.public_url}/t/u/{sign(self._key.reveal(), 'unsubscribe', message)}"

    def _address(self, message: str, contact: Contact, recipient: Address, *, at: Instant) -> EmailMessage:
        head = self._head
        sender = Address(display_name=head.sender_name, addr_spec=head.sender_address)
        letter = EmailMessage(policy=_POLICY)
        letter["From"] = sender
        letter["To"] = Address(display_name=contact.name or "", addr_spec=recipient.addr_spec)
        letter["Date"] = to_datetime(at)
        letter["Message-ID"] = f"<{message}@{sender.domain}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return letter


def _recipient(contact: Contact) -> Address:
    try:
        address = Address(addr_spec=contact.email or "")
    except (MessageError, ValueError, IndexError) as error:  # the parser's own ways to say that it is none
        raise AddressUnusable from error
    if not address.username or not address.domain or not address.addr_spec.isascii():
        raise AddressUnusable
    return address


def check_letters(contents: ContentSet, layouts: Layouts) -> None:
    """Write every content in every language, for somebody without a name and for somebody with an odd one.

    :raises DocumentFaults: with every content that cannot be put together.
    """
    faults: list[Fault] = []
    for content in contents:
        document = content.document
        for words in content.every_words():
            path = f"{document.name}: {words.variant}.{words.language}"
            for sample in _SAMPLES:
                try:
                    for line in (words.subject, *words.paragraphs):
                        layouts.fill(line, sample)
                except Unwritable as error:
                    faults.append(Fault(path, error.message))
                    break
    frame = {
        "language": "en",
        "subject": "",
        "paragraphs": ["one"],
        "links": [_Linked("one", "https://www.example.com")],
        "organisation": "",
        "postal_address": "",
        "unsubscribe": "",
        "pixel": "",
    }
    try:
        layouts.frame(frame)
    except Unwritable as error:
        faults.append(Fault("layouts", error.message))
    raise_if_any(faults, about="contents")
