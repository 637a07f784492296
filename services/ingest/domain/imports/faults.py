"""Why a row was refused, and what to do about it; no text holds a value of the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["en", "zh"]


class RowFault(NamedTuple):
    """What is wrong with a row: the heading of the column, empty for the row as a whole, and a code."""

    column: str
    code: str


class Advice(NamedTuple):
    """A reason, and what to do about it."""

    reason: str
    remedy: str


_EN: Final[Mapping[str, Advice]] = {
    "row.no_identity": Advice(
        "nobody can be told by this row", "give an e-mail address, a telephone number or an id"
    ),
    "row.broken_text": Advice(
        "some characters could not be read", "save the table as XLSX, or as CSV in UTF-8"
    ),
    "row.too_large": Advice("the row is too long", "leave out columns that nobody needs"),
    "row.malformed": Advice("a quotation mark is not closed", "correct the quotation marks of this row"),
    "number.rounded": Advice(
        "the spreadsheet has rounded the number, as in 1.38E+10",
        "format the column as text, type the number again, and save",
    ),
    "date.unreadable": Advice("this is no date", "write it as 2026-03-02"),
    "date.ambiguous": Advice(
        "the day and the month can be told either way", "say --dates dmy or --dates mdy, or write 2026-03-02"
    ),
    "date.other_order": Advice(
        "day and month stand the other way round than in the rest of the column", "write it as 2026-03-02"
    ),
    "amount.unreadable": Advice("this is no amount", "write it as 1234.56"),
    "amount.ambiguous": Advice(
        "the separator may part thousands or decimals", "say --decimal point or --decimal comma"
    ),
    "currency.unknown": Advice(
        "this currency is none of those that are set up",
        "write the code of one that is, or add it to imports.yaml",
    ),
    "currency.missing": Advice(
        "the amount names no currency; the row was kept in quarantine",
        "set LEADMILL_INGEST_DEFAULT_CURRENCY and replay it, or add a column",
    ),
    "status.unknown": Advice(
        "there is no such status", "write new, contacted, interested, activated or invalid"
    ),
    "event.missing": Advice("it does not say what happened", "fill in the event, or give --event"),
    "outcome.kind_unknown": Advice(
        "there is no such kind of outcome", "write created, stage changed, won, lost or payment"
    ),
    "outcome.no_opportunity": Advice("the opportunity is missing", "fill in its number or name"),
    "outcome.no_stage": Advice("the stage is missing", "fill it in"),
    "amount.missing": Advice("the amount is missing", "fill it in"),
    "cost.kind_unknown": Advice("there is no such kind of cost", "write ads, content or labour"),
    "cost.no_campaign": Advice("the campaign is missing", "fill it in"),
    "cost.no_day": Advice("the day is missing", "write it as 2026-03-02"),
    "row.unusable": Advice("the row cannot be used", "compare it with the template"),
}
_ZH: Final[Mapping[str, Advice]] = {
    "row.no_identity": Advice("这一行看不出是谁", "请填写邮箱、电话或编号"),
    "row.broken_text": Advice("有些字符无法读取", "请另存为 XLSX，或 UTF-8 编码的 CSV"),
    "row.too_large": Advice("这一行太长", "请删去用不到的列"),
    "row.malformed": Advice("引号没有闭合", "请更正这一行的引号"),
    "number.rounded": Advice("表格软件已把号码取整，例如 1.38E+10", "请把该列设为文本，重新输入号码后保存"),
    "date.unreadable": Advice("这不是日期", "请写成 2026-03-02"),
    "date.ambiguous": Advice("日和月的顺序不明", "请用 --dates dmy 或 --dates mdy 说明，或写成 2026-03-02"),
    "date.other_order": Advice("日和月的顺序与该列其他行相反", "请写成 2026-03-02"),
    "amount.unreadable": Advice("这不是金额", "请写成 1234.56"),
    "amount.ambiguous": Advice(
        "分隔符可能是千位，也可能是小数", "请用 --decimal point 或 --decimal comma 说明"
    ),
    "currency.unknown": Advice("没有配置这种货币", "请写已配置货币的代码，或在 imports.yaml 中添加"),
    "currency.missing": Advice(
        "金额没有写明货币；这一行已保留在隔离区",
        "请设置 LEADMILL_INGEST_DEFAULT_CURRENCY 后重放，或增加货币列",
    ),
    "status.unknown": Advice("没有这种状态", "请写 new、contacted、interested、activated 或 invalid"),
    "event.missing": Advice("没有写明发生了什么", "请填写活动或事件，或使用 --event"),
    "outcome.kind_unknown": Advice("没有这种结果", "请写 商机创建、阶段变更、赢单、输单 或 回款"),
    "outcome.no_opportunity": Advice("缺少商机", "请填写商机编号或名称"),
    "outcome.no_stage": Advice("缺少阶段", "请填写阶段"),
    "amount.missing": Advice("缺少金额", "请填写金额"),
    "cost.kind_unknown": Advice("没有这种费用类别", "请写 广告、内容 或 人工"),
    "cost.no_campaign": Advice("缺少活动名称", "请填写活动名称"),
    "cost.no_day": Advice("缺少日期", "请写成 2026-03-02"),
    "row.unusable": Advice("这一行无法使用", "请与模板对照"),
}
ADVICE: Final[Mapping[Language, Mapping[str, Advice]]] = {"en": _EN, "zh": _ZH}


def advise(code: str, language: Language = "en") -> Advice:
    """Return reason and remedy of a code."""
    known = ADVICE[language]
    return known.get(code, known["row.unusable"])


class Reading(NamedTuple):
    """What the resolver would make of a refused row: our code, and the field that it is about."""

    code: str
    field: str


REFUSALS: Final[Mapping[str, Reading]] = {
    "intake.no_identity": Reading("row.no_identity", ""),
    "intake.no_event_name": Reading("event.missing", "event"),
    "outcome.unknown_kind": Reading("outcome.kind_unknown", "kind"),
    "outcome.no_opportunity": Reading("outcome.no_opportunity", "opportunity"),
    "outcome.no_stage": Reading("outcome.no_stage", "stage"),
    "outcome.no_amount": Reading("amount.missing", "amount"),
    "outcome.amount_malformed": Reading("amount.unreadable", "amount"),
    "outcome.no_currency": Reading("currency.missing", "currency"),
    "cost.unknown_kind": Reading("cost.kind_unknown", "kind"),
    "cost.no_campaign": Reading("cost.no_campaign", "campaign"),
    "cost.day_malformed": Reading("cost.no_day", "day"),
    "cost.no_amount": Reading("amount.missing", "amount"),
    "cost.amount_malformed": Reading("amount.unreadable", "amount"),
    "cost.no_currency": Reading("currency.missing", "currency"),
}
"""Codes under which the resolver refuses what a row says."""

KEPT: Final = frozenset({"currency.missing"})
"""What only a setting of ours is wrong about: such a row goes to quarantine and can be replayed."""
