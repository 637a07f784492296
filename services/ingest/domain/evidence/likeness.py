"""Likeness: spellings of one name, firm or mailbox, made comparable.

What is alike is never merged for that alone; it keeps two names of one number apart, and it suggests
duplicates to people.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from services.ingest.domain.choices.traditional import simplify

_TITLES: Final = frozenset(
    {
        *("mr", "mrs", "ms", "mx", "miss", "dr", "prof", "professor", "sir", "madam", "madame", "mister"),
        *("herr", "frau", "monsieur", "mme", "mlle", "senor", "senora", "ing", "phd", "md", "esq"),
    }
)
_CHINESE_TITLES: Final = (
    *("先生", "女士", "小姐", "太太", "老师", "教授", "博士", "医生", "律师", "工程师"),
    *("副总经理", "总经理", "经理", "总监", "主任", "主管", "老板", "同学"),
)
_WORD: Final = re.compile(r"[^\W_]+")
_CJK: Final = re.compile(r"[\u3400-\u9fff]")
_FORMS: Final = frozenset(
    {
        *("inc", "incorporated", "ltd", "limited", "llc", "llp", "lp", "plc", "corp", "corporation", "co"),
        *("company", "gmbh", "mbh", "ag", "kg", "ohg", "sa", "sas", "sarl", "srl", "spa", "bv", "nv", "ab"),
        *(
            "oy",
            "oyj",
            "as",
            "aps",
            "pty",
            "pte",
            "pvt",
            "private",
            "kk",
            "sdn",
            "bhd",
            "holding",
            "holdings",
        ),
    }
)
_CHINESE_FORMS: Final = re.compile(
    "(?:股份有限责任公司|股份有限公司|有限责任公司|股份公司|有限公司|集团公司|分公司|总公司|公司|集团|股份|有限合伙)$"
)
_PLACES: Final = re.compile(r"[(\[【（](?:[^()\[\]【】（）]{1,8})[)\]】）]")
_DOTS_DO_NOT_COUNT: Final = frozenset({"gmail.com", "googlemail.com"})


def name_key(name: str) -> str:
    """Return a person's name as it is compared: case, accents, order, forms of address do not count.

    Width and traditional characters do not count either, and a Chinese name is compared without its blanks.
    A name of which nothing is left is compared as it is.
    """
    folded = _fold(name)
    if _CJK.search(folded):
        bare = "".join(_WORD.findall(folded))
        while (shorter := _without_title(bare)) != bare:
            bare = shorter
        return bare
    words = sorted(word for word in _WORD.findall(folded) if word not in _TITLES)
    return " ".join(words) or " ".join(folded.split())


def _without_title(bare: str) -> str:
    """Return a Chinese name without one form of address; of a surname alone it stays, for it says little."""
    for title in _CHINESE_TITLES:
        if bare.endswith(title) and len(bare) > len(title) + 1:
            return bare.removesuffix(title)
    return bare


def same_name(first: str, second: str) -> bool:
    """Return whether two spellings are of one name."""
    return first == second or name_key(first) == name_key(second)


def company_key(name: str) -> str:
    """Return a firm's name as it is compared, without what kind of firm it is; empty if nothing is left.

    A short remark in brackets, as a place is in 示例（上海）有限公司, does not count where something is left.
    """
    folded = _fold(name)
    while (bare := _PLACES.sub(" ", folded)) != folded and _WORD.search(bare):
        folded = bare
    if _CJK.search(folded):
        bare = "".join(_without_forms(_WORD.findall(folded)))
        while (shorter := _CHINESE_FORMS.sub("", bare)) and shorter != bare:
            bare = shorter
        return bare
    words = _without_forms(_WORD.findall(folded.replace(".", "").replace("'", "")))
    if len(words) > 1 and words[0] == "the":
        del words[0]
    return " ".join(words)


def _without_forms(words: list[str]) -> list[str]:
    """Return the words without those at the end that say what kind of firm it is, while one is left."""
    while len(words) > 1 and words[-1] in _FORMS:
        words = words[:-1]
    return words


def _fold(text: str) -> str:
    """Return a text without width, case, accents and traditional characters."""
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    if folded.isascii():
        return folded
    plain = "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))
    return simplify(unicodedata.normalize("NFKC", plain)).casefold()


def mailbox_key(address: str) -> str | None:
    """Return the mailbox behind a normalised address where its provider delivers many spellings to one.

    None where every spelling is a mailbox of its own. Gmail passes over dots and what follows a plus.
    """
    local, _, domain = address.rpartition("@")
    if domain not in _DOTS_DO_NOT_COUNT:
        return None
    return f"{local.partition('+')[0].replace('.', '')}@gmail.com"
