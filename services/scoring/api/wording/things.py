"""How acts, attributes and what acts are done to are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.scoring.api.wording.texts import Words

ACTS: Final[Mapping[str, Words]] = {
    "page_viewed": Words("view a page", "浏览页面"),
    "form_submitted": Words("submit a form", "提交表单"),
    "demo_requested": Words("ask for a demo", "申请演示"),
    "trial_requested": Words("ask for a trial", "申请试用"),
    "document_downloaded": Words("download a document", "下载资料"),
    "proposal_opened": Words("open a proposal", "打开方案书"),
    "email_opened": Words("open a mail", "打开邮件"),
    "email_link_clicked": Words("click a link in a mail", "点击邮件链接"),
    "live_event_attended": Words("attend an event", "参加活动"),
    "chat_started": Words("start a chat", "发起在线咨询"),
    "unsubscribed": Words("unsubscribe", "退订"),
}
"""What a lead would have to do."""

FIELDS: Final[Mapping[str, Words]] = {
    "industry": Words("industry", "行业"),
    "region": Words("region", "地区"),
    "title_level": Words("level of title", "职级"),
    "employees": Words("employees", "员工人数"),
    "size": Words("company size", "公司规模"),
    "budget": Words("budget", "预算"),
    "budget_band": Words("budget band", "预算区间"),
    "stage": Words("stage of the project", "项目阶段"),
    "target_account": Words("target account", "目标客户"),
    "procurement": Words("procurement involved", "采购部门参与"),
    "legal": Words("legal department involved", "法务部门参与"),
    "tender": Words("tender required", "需要招标"),
    "student": Words("student", "学生"),
    "go_live_on": Words("go-live date", "上线日期"),
    "benchmark_customer": Words("benchmark customer", "标杆客户"),
    "strategic_customer": Words("strategic customer", "战略客户"),
    "product_lines": Words("product lines", "产品线数量"),
    "scope": Words("scope", "使用范围"),
    "expected_amount": Words("expected amount", "预计金额"),
    "path": Words("page", "页面"),
    "kind": Words("kind", "类型"),
    "form": Words("form", "表单"),
    "start_within_months": Words("start within months", "计划启动（月内）"),
    "document": Words("document", "资料"),
    "proposal": Words("proposal", "方案书"),
    "message": Words("mail", "邮件"),
    "link": Words("link", "链接"),
    "purpose": Words("purpose of the link", "链接用途"),
    "live_event": Words("event", "活动"),
    "offline": Words("in person", "线下"),
    "delivery_channel": Words("channel", "渠道"),
}
"""Attributes, and what acts carry."""


def act(name: str) -> Words:
    """Return what an act is called."""
    return ACTS.get(name, Words(name, name))


def field(name: str) -> Words:
    """Return what a field is called."""
    return FIELDS.get(name, Words(name, name))


def value(given: object) -> Words:
    """Return a value; one that stands for whatever is not named is told as that."""
    if given is None:
        return Words("nothing", "空")
    if isinstance(given, bool):
        return Words("yes", "是") if given else Words("no", "否")
    if isinstance(given, str) and given.startswith("?"):
        return Words("anything else", "其他值")
    text = f"{given:.10g}" if isinstance(given, float) else str(given)
    return Words(text, text)
