"""Mail in a journey: settings by which nurture sends to a sink, and what readers find in their mail."""

from __future__ import annotations

import re

from leadmill.demo.mail_sink import MailSink, Received

BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"}


def mail_settings(sink: MailSink) -> dict[str, str]:
    """What a platform is to be told so that it sends to this sink."""
    return {
        "LEADMILL_NURTURE_SMTP_HOST": "127.0.0.1",
        "LEADMILL_NURTURE_SMTP_PORT": str(sink.port),
        "LEADMILL_NURTURE_SMTP_SECURITY": "none",
        "LEADMILL_NURTURE_SENDER_ADDRESS": "news@mill.example",
        "LEADMILL_NURTURE_ORGANISATION": "Mill Ltd",
        "LEADMILL_NURTURE_POSTAL_ADDRESS": "1 Mill Lane",
    }


def mails_to(sink: MailSink, address: str) -> list[Received]:
    """The mails in somebody's mailbox, in order."""
    return [one for one in sink.received if one.recipient == address]


def links_in(mail: Received) -> tuple[str, list[str]]:
    """The picture and the links of a mail, as a mail program finds them."""
    body = mail.message.get_body(("html",))
    assert body is not None
    html = body.get_content().replace("&amp;", "&")
    return re.findall(r'src="([^"]+)"', html)[0], re.findall(r'href="([^"]+/t/c/[^"]+)"', html)
