"""Letters as they are put together: every shipped content, odd names, faults in words and frames."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nurture.domain.contents import ContentDocument, ContentSet
from services.nurture.domain.leads import Contact
from services.nurture.domain.messages import Message
from services.nurture.domain.signing import signing_key, verify
from services.nurture.jobs.letters import (
    AddressUnusable,
    Layouts,
    Letterhead,
    Letters,
    Unwritable,
    check_letters,
)
from shared.documents.faults import DocumentFaults
from shared.documents.versions import load_document
from shared.kernel.redacted import Redacted
from tests.unit.nurture.stories import ADA, CONFIG, START, rules

KEY = signing_key(b"s" * 32)
FOLDER = CONFIG / "nurture" / "layouts"
HEAD = Letterhead(
    "news@mill.example", "磨坊", "Mill & Co", "1 Mill Lane", "https://news.mill.example" + "/x" * 40
)


def letters(contents: ContentSet | None = None) -> Letters:
    return Letters(contents or rules().contents, Layouts(FOLDER), HEAD, signing_key=Redacted(KEY))


def message(content: str = "welcome", variant: str = "general", language: str = "zh") -> Message:
    return Message(
        id="c" * 32,
        enrolment="e" * 32,
        lead=ADA,
        sequence="b_leads",
        sequence_version=1,
        step=content,
        content=content,
        content_version=1,
        variant=variant,
        language=language,
        due=START,
        too_late=START + 1,
        planned_at=START,
        cause="cause",
    )


def contact(**fields: str | None) -> Contact:
    return Contact(lead=ADA, version=1, **{"email": "ada@example.com", **fields})  # type: ignore[arg-type]


def read(content: bytes) -> EmailMessage:
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def bodies(letter: EmailMessage) -> tuple[str, str]:
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def test_everything_that_ships_can_be_written() -> None:
    check_letters(rules().contents, Layouts(FOLDER))
    for content in rules().contents:
        for words in content.every_words():
            written = letters().write(
                message(words.content, words.variant, words.language), contact(name="Ada"), at=START
            )
            letter = read(written.content)
            assert "{{" not in "".join(bodies(letter))
            assert letter["Subject"]


def test_a_letter_is_seven_bits_in_short_lines_whatever_is_in_it() -> None:
    written = letters().write(message(), contact(name="阿" * 60, company="云" * 60), at=START)
    assert written.content.isascii()
    lines = written.content.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert b"\n" not in written.content.replace(b"\r\n", b"")
    long = [line for line in lines if len(line) > 78]
    assert all(line.startswith(b"List-Unsubscribe: <https://") for line in long)


@given(name=st.text(max_size=40), company=st.text(max_size=40))
def test_no_name_breaks_out_of_its_place(name: str, company: str) -> None:
    name, company = " ".join(name.split()), " ".join(company.split())
    written = letters().write(message("guide", "owner", "en"), contact(name=name, company=company), at=START)
    letter = read(written.content)
    assert [one.addr_spec for one in letter["To"].addresses] == ["ada@example.com"]
    assert {name.lower() for name in letter} == {
        "list-unsubscribe",
        "from",
        "to",
        "date",
        "message-id",
        "list-unsubscribe-post",
        "mime-version",
        "subject",
        "content-type",
    }
    _, html = bodies(letter)
    assert html.count("<p>") == html.count("</p>") == 7


def test_links_are_signed_for_this_message_and_say_no_name() -> None:
    written = letters().write(message("guide", "owner", "en"), contact(name="Ada Lovelace"), at=START)
    text, html = bodies(read(written.content))
    tokens = [part.partition("?")[0] for part in text.split("/t/c/")[1:]]
    assert len(tokens) == 3
    links = rules().contents.live("guide").document.links
    for number, (token, link) in enumerate(zip(tokens, links, strict=True)):
        signed = verify(KEY, "click", token, target=link.url)
        assert signed is not None
        assert signed == ("c" * 32, number)
    pixel = html.split("/t/o/")[1].partition(".gif")[0]
    assert verify(KEY, "open", pixel) == ("c" * 32, 0)


@pytest.mark.parametrize(
    "address", [None, "", "nobody", "a@", "@example.com", "a b@example.com", "阿@example.com", "a@b@c, d@e"]
)
def test_an_address_that_is_none_is_refused(address: str | None) -> None:
    with pytest.raises(AddressUnusable):
        letters().write(message(), contact(email=address), at=START)


def test_words_that_are_gone_are_refused() -> None:
    with pytest.raises(Unwritable):
        letters(ContentSet([])).write(message(), contact(), at=START)


def content_with(line: str) -> ContentSet:
    text = f"""
name: tried
version: 1
languages: [en]
variants:
  - variant: general
    words: {{en: {{subject: Hello, paragraphs: ["{line}"]}}}}
"""
    return ContentSet([load_document(text, kind="content", shape=ContentDocument).body])


@pytest.mark.parametrize(
    "line",
    [
        "{{ surname }}",
        "{{ name",
        "{% for x in name %}",
        "{{ name.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include 'letter.txt.j2' %}",
    ],
)
def test_a_merge_tag_that_does_not_work_is_found_before_anybody_gets_it(line: str) -> None:
    contents = content_with(line)
    with pytest.raises(DocumentFaults, match=r"tried: general\.en"):
        check_letters(contents, Layouts(FOLDER))
    with pytest.raises(Unwritable):
        letters(contents).write(message("tried", "general", "en"), contact(name="Ada"), at=START)


def test_a_frame_that_names_what_letters_do_not_have_is_found(tmp_path: Path) -> None:
    (tmp_path / "letter.txt.j2").write_text("{{ nothing }}")
    (tmp_path / "letter.html.j2").write_text("fine")
    with pytest.raises(DocumentFaults, match="layouts"):
        check_letters(rules().contents, Layouts(tmp_path))
    (tmp_path / "letter.txt.j2").write_text("{% if %}")
    with pytest.raises(DocumentFaults, match="is no frame"):
        Layouts(tmp_path)
