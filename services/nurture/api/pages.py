"""The two small pages that a person sees who unsubscribes."""

from __future__ import annotations

from typing import Final

_FRAME: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>body{{font-family:sans-serif;max-width:32em;margin:4em auto;padding:0 1em;
line-height:1.6;color:#1f2430}}button{{font:inherit;padding:.6em 1.4em}}</style></head>
<body><h1>{title}</h1>{content}</body></html>
"""
_BUTTON: Final = '<form method="post"><button>{label}</button></form>'
_ASKING: Final = {
    "zh": ("退订邮件", "<p>点击按钮后，我们不会再向您发送此类邮件。</p>" + _BUTTON.format(label="确认退订")),
    "en": (
        "Unsubscribe",
        "<p>Press the button and you will get no such mails any more.</p>"
        + _BUTTON.format(label="Unsubscribe"),
    ),
}
_DONE: Final = {
    "zh": ("已退订", "<p>已为您退订，此后不会再收到此类邮件。</p>"),
    "en": ("Unsubscribed", "<p>Done: you will get no such mails any more.</p>"),
}


def asking_page(language: str) -> bytes:
    """Return the page with the one button, in ``zh`` or ``en``."""
    title, content = _ASKING[language]
    return _FRAME.format(language=language, title=title, content=content).encode()


def done_page(language: str) -> bytes:
    """Return the page that says that it is done, in ``zh`` or ``en``."""
    title, content = _DONE[language]
    return _FRAME.format(language=language, title=title, content=content).encode()
