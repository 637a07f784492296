"""Forms for tests: one with everything, and the rulebook that holds it beside those that ship."""

from __future__ import annotations

from typing import Any

import msgspec

from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.forms.definitions import FormDocument
from tests.unit.ingest.requests import RULEBOOK

FAIR: dict[str, Any] = {
    "name": "fair",
    "version": 2,
    "languages": ["zh", "en"],
    "title": {"zh": "展会", "en": "The fair"},
    "button": {"zh": "提交", "en": "Send"},
    "thanks": {"zh": "谢谢", "en": "Thanks & see you"},
    "fields": [
        {"field": "name", "required": True, "label": {"zh": "姓名", "en": "Name"}},
        {"field": "email", "kind": "email", "label": {"zh": "邮箱", "en": "E-mail"}},
        {"field": "phone", "kind": "phone", "label": {"zh": "手机号", "en": "Telephone"}},
        {
            "field": "industry",
            "kind": "choice",
            "label": {"zh": "行业", "en": "Industry"},
            "choices": [
                {"value": "manufacturing", "label": {"zh": "制造", "en": "Manufacturing"}},
                {"value": "pharma", "label": {"zh": "医药", "en": "Pharma"}},
            ],
        },
        {
            "field": "interests",
            "kind": "choices",
            "label": {"zh": "兴趣", "en": "Interests"},
            "choices": [
                {"value": "mes", "label": {"zh": "MES", "en": "MES"}},
                {"value": "erp", "label": {"zh": "ERP", "en": "ERP"}},
            ],
        },
        {"field": "tender", "kind": "yes_no", "label": {"zh": "招标", "en": "Tender"}},
        {"field": "go_live_on", "kind": "date", "label": {"zh": "上线", "en": "Go live"}},
        {"field": "expected_amount", "kind": "number", "label": {"zh": "金额", "en": "Amount"}},
        {"field": "message", "kind": "long_text", "label": {"zh": "留言", "en": "Message"}},
    ],
    "one_of": [["email", "phone"]],
    "consents": [
        {"channel": "email", "version": 3, "text": {"zh": "同意邮件", "en": "Mail me"}},
        {"channel": "sms", "version": 1, "required": True, "text": {"zh": "同意短信", "en": "Text me"}},
    ],
    "acts": [{"act": "Document Downloaded", "properties": {"document": "guide", "kind": "brochure"}}],
    "tags": ["spring_fair", "website"],
    "redirect": "https://www.example.com/after?x=1",
    "allowed_origins": ["https://www.example.com"],
}


def form(**changes: Any) -> FormDocument:
    return msgspec.convert({**FAIR, **changes}, FormDocument)


def rulebook_with(*forms: FormDocument) -> Rulebook:
    return msgspec.structs.replace(RULEBOOK, forms=[*RULEBOOK.forms, *forms])
