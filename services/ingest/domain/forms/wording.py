"""What our form pages say by themselves, in Chinese and English: reasons, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.forms import checking
from services.ingest.domain.forms.checking import FieldFault
from services.ingest.domain.forms.definitions import FormDocument, Language

_REASONS: Final[Mapping[str, Mapping[Language, str]]] = {
    checking.MISSING: {
        "zh": "请填写“{label}”。",
        "en": "{label}: this is required. Please fill it in.",
    },
    checking.ONE_OF_MISSING: {
        "zh": "“{others}”请至少填写一项，以便我们与您联系。",
        "en": "Please give at least one of: {others}.",
    },
    checking.CONSENT_MISSING: {
        "zh": "需要勾选同意后才能提交。",
        "en": "Please tick the box if you agree; without it we cannot take the form.",
    },
    checking.EMAIL: {
        "zh": "“{label}”不是有效的邮箱地址，请填写类似 name@example.com 的地址。",
        "en": "{label}: this is no e-mail address. Write it like name@example.com.",
    },
    checking.PHONE: {
        "zh": "“{label}”不是有效的号码，请填写 11 位手机号，或带国家代码的号码，例如 +86 138 0013 8000。",
        "en": "{label}: this is no telephone number. Write it with its country, like +44 20 7946 0018.",
    },
    checking.NUMBER: {
        "zh": "“{label}”请填写一个数字，例如 300。",
        "en": "{label}: please write one number, like 300.",
    },
    checking.DATE: {
        "zh": "“{label}”请填写日期，例如 2026-09-30。",
        "en": "{label}: please write a date like 2026-09-30.",
    },
    checking.CHOICE: {
        "zh": "“{label}”请从列表中选择。",
        "en": "{label}: please choose from the list.",
    },
    checking.ANSWER: {
        "zh": "“{label}”请选择是或否。",
        "en": "{label}: please answer yes or no.",
    },
    checking.TOO_LONG: {
        "zh": "“{label}”内容过长，请缩短。",
        "en": "{label}: this is too long. Please shorten it.",
    },
}

SAYINGS: Final[Mapping[str, Mapping[Language, str]]] = {
    "faults": {"zh": "请修改以下内容后再提交：", "en": "Please put this right and send it again:"},
    "required": {"zh": "必填", "en": "required"},
    "one_of": {"zh": "带 ◇ 的项目请至少填写一项。", "en": "Fill in at least one of those marked ◇."},
    "choose": {"zh": "请选择", "en": "Please choose"},
    "yes": {"zh": "是", "en": "Yes"},
    "no": {"zh": "否", "en": "No"},
    "trap": {"zh": "请勿填写此项", "en": "Leave this empty"},
    "other_language": {"zh": "English", "en": "中文"},
    "unavailable": {
        "zh": "暂时无法保存，您填写的内容仍在下方，请稍后再次提交。",
        "en": "We cannot save this right now. What you wrote is still below; please send it again shortly.",
    },
}
"""What a page says besides a form's own texts."""

_PAGES: Final[Mapping[str, Mapping[Language, tuple[str, str]]]] = {
    "form.unknown": {
        "zh": ("表单不存在", "此地址没有对应的表单，您提交的内容已保留。请联系网站管理员。"),
        "en": (
            "There is no such form",
            "Nothing belongs to this address. What you sent is kept; please tell whoever runs the site.",
        ),
    },
    "refused": {
        "zh": ("无法提交", "此表单尚未正确设置。请联系网站管理员。"),
        "en": (
            "This form does not work",
            "It is not set up rightly. Please tell whoever runs the site.",
        ),
    },
    "too_large": {
        "zh": ("内容过多", "提交的内容过多，请返回并缩短后再提交。"),
        "en": ("Too much", "This is more than the form takes. Please go back and shorten it."),
    },
    "unavailable": {
        "zh": ("暂时无法提交", "暂时无法保存您的内容，请返回后稍后再试。"),
        "en": (
            "Not right now",
            "We cannot save this now. Please go back and send it again shortly.",
        ),
    },
}


def explain(form: FormDocument, fault: FieldFault, language: Language) -> str:
    """Return in words what is wrong with a field and what to do; never what was filled in."""
    labels = {asked.field: asked.label[language] for asked in form.fields}
    group = next((group for group in form.one_of if fault.field in group), ())
    others = ("、" if language == "zh" else ", ").join(labels[field] for field in group)
    return _REASONS[fault.code][language].format(label=labels.get(fault.field, ""), others=others)


def say(kind: str, language: Language) -> str:
    """Return one of :data:`SAYINGS`."""
    return SAYINGS[kind][language]


def page_of(code: str, status: int, language: Language) -> tuple[str, str]:
    """Return title and text of the page for somebody whose submission met a verdict."""
    kind = code if code in _PAGES else "unavailable" if status in {429, 503} else "refused"
    if status in {400, 413} and code in {"event.too_large", "body.too_large"}:
        kind = "too_large"
    return _PAGES[kind][language]
