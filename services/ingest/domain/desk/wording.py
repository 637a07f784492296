"""What became of a message, in words for people who do not program: what happened, and what to do.

Every code under which something can lie in quarantine or be turned away begins with one of these; what
has no words of its own is told by the first part of its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Words(NamedTuple):
    """The same in English and Chinese."""

    en: str
    zh: str


REASONS: Final[Mapping[str, Words]] = {
    "intake.malformed_json": Words(
        "It could not be read: it is no JSON. Whoever built the sending page or program must correct it; then"
        " send it round again.",
        "内容无法读取：不是有效的 JSON。请发送方的技术人员修正后，再重新处理。",
    ),
    "intake.not_utf8": Words(
        "Its characters are broken. The sender must send UTF-8.", "字符编码损坏，发送方需使用 UTF-8 编码。"
    ),
    "intake.oversize": Words(
        "It was too large to be taken; only its beginning is kept. Send less at once.",
        "内容过大，只保留了开头部分。请减少单次发送的内容。",
    ),
    "intake.no_identity": Words(
        "Nothing in it tells whose it is: no e-mail, telephone or id. Check that the form asks for one and"
        " that its fields bear names we know.",
        "其中没有邮箱、电话或其他标识，无法判断属于谁。请检查表单是否收集了联系方式、字段名称是否可识别。",
    ),
    "intake.empty_form": Words(
        "The form arrived without any field filled in.", "收到的表单没有填写任何内容。"
    ),
    "intake.honeypot": Words(
        "A field that people cannot see was filled in, so it was taken for a machine's. If it was a person,"
        " an administrator can send it round again.",
        "填写了真人看不到的字段，因此被视为机器提交。若确为真人，管理员可重新处理。",
    ),
    "intake.test_lead": Words(
        "Its sender marked it as a test, so nobody follows it up.", "发送方将其标记为测试，因此不会跟进。"
    ),
    "intake.unknown_lead": Words("It names a lead by an id that is none of ours.", "其中的线索编号不存在。"),
    "form.unknown": Words(
        "There is no form of this name. Marketing must create it or correct the address on the page; then it"
        " can be sent round again.",
        "没有这个名称的表单。请市场部创建该表单或更正页面上的地址，然后重新处理。",
    ),
    "form.origin_not_allowed": Words(
        "The page it came from is not among those allowed for this form. Add the page's address to the form's"
        " allowed_origins, then send it round again.",
        "来源页面不在该表单允许的范围内。请将页面地址加入表单的 allowed_origins，然后重新处理。",
    ),
    "form": Words(
        "The visitor was told that something was missing or could not be right, and has not sent it again"
        " since. What they typed is kept; an administrator can look at it.",
        "页面已提示访客有内容缺失或有误，访客之后没有再次提交。已填写的内容保留，管理员可以查看。",
    ),
    "write_key.invalid": Words(
        "The page or program used a key that does not exist or was revoked. Give it a key that works"
        " (leadmill key add), then send the request round again as that source.",
        "页面或程序使用的密钥不存在或已停用。请换用有效密钥（leadmill key add），再以该来源重新处理。",
    ),
    "write_key.out_of_scope": Words(
        "The key may not be used for this kind of message. Open that door for the key, then send it round"
        " again.",
        "该密钥无权发送此类消息。请为密钥开通权限，然后重新处理。",
    ),
    "hook.signature": Words(
        "The vendor's signature is missing or wrong: the secret stored here is not the vendor's. Correct it"
        " (leadmill hook add), then send it round again.",
        "平台签名缺失或不符：此处保存的密钥与平台不一致。请更正（leadmill hook add）后重新处理。",
    ),
    "hook": Words(
        "The vendor sent something that is not shaped as its leads are. A programmer has to look at it.",
        "平台推送的内容格式与其线索格式不符，需要技术人员查看。",
    ),
    "link.machine": Words(
        "A program that looks at links before people do followed the link; no person clicked.",
        "是链接预览或扫描程序打开了链接，并非真人点击。",
    ),
    "outcome": Words(
        "The sales system reported something that is not complete: an opportunity, an amount or a currency is"
        " missing or cannot be read. Correct it there and send it again.",
        "销售系统上报的内容不完整：商机、金额或币种缺失或无法识别。请更正后重新发送。",
    ),
    "cost": Words(
        "A cost could not be booked: campaign, day, kind, amount or currency is missing or cannot be read.",
        "费用无法入账：活动、日期、类别、金额或币种缺失或无法识别。",
    ),
    "cloudevent": Words(
        "It is no complete event; its sender must correct it.", "事件内容不完整，发送方需要修正。"
    ),
    "intake": Words("It cannot be used as it is.", "内容无法使用。"),
}
"""By code, or by the first part of codes; the longest that fits counts."""

UNTOLD: Final = Words(
    "It was refused; `leadmill quarantine show` tells an administrator what came.",
    "请求被拒绝；管理员可用 leadmill quarantine show 查看收到的内容。",
)

TAKEN_IN: Final = Words("It was taken in and belongs to lead {lead}.", "已接收，归入线索 {lead}。")
OPENED: Final = Words("It was taken in and opened lead {lead}.", "已接收，新建了线索 {lead}。")
SUPPRESSED: Final = Words(
    "This person asked to be forgotten on {day}. What comes from them is dropped, and nothing is kept.",
    "此人已于 {day} 要求删除其信息，之后收到的内容不再保存。",
)
ON_ITS_WAY: Final = Words(
    "{count} messages are taken in and not yet worked off; look again in a minute.",
    "有 {count} 条消息已接收、尚未处理完，请一分钟后再查。",
)
NOTHING: Final = Words(
    "Nothing that fits reached us in this time. Check date and time zone; then whether the page sends to our"
    " address at all (its programmer sees that in the browser's network view).",
    "该时段没有收到相符的内容。请先核对日期与时区，再请页面的技术人员确认页面是否确实发往我们的地址（浏览器的网络面板可见）。",
)


def reason_of(code: str) -> Words:
    """Return what happened and what to do, for any code."""
    parts = code.split(".", 1)
    candidates = [name for name in REASONS if code == name or code.startswith((f"{name}.", f"{name}_"))]
    if candidates:
        return REASONS[max(candidates, key=len)]
    return REASONS.get(parts[0], UNTOLD)


def fill(words: Words, **values: object) -> Words:
    """Return the words with values in their places."""
    return Words(words.en.format(**values), words.zh.format(**values))
