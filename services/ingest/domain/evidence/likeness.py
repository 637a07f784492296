"""Likeness: spellings of one name, firm or mailbox, made comparable.

What is alike is never merged for that alone; it keeps two names of one number apart, and it suggests
duplicates to people.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam"})
_CHINESE_TITLES: Final = ("先生", "女士", "小姐", "老师", "总经理", "经理", "总监")
_WORD: Final = re.compile(r"[^\W_]+")
_CJK: Final = re.compile(r"[\u3400-\u9fff]")
_FORMS: Final = frozenset(
    {
        *("inc", "incorporated", "ltd", "limited", "llc", "llp", "plc", "corp", "corporation", "co"),
        *(
            "company",
            "gmbh",
            "ag",
            "kg",
            "sa",
            "sas",
            "srl",
            "spa",
            "bv",
            "nv",
            "ab",
            "oy",
            "as",
            "pty",
            "pte",
        ),
    }
)
_CHINESE_FORMS: Final = re.compile(
    r"(股份有限责任公司|股份有限公司|有限责任公司|有限公司|集团公司|分公司|总公司|公司|集团|\(集团\)|\(中国\))$"
)
_DOTS_DO_NOT_COUNT: Final = frozenset({"gmail.com", "googlemail.com"})


def name_key(name: str) -> str:
    """Return a person's name as it is compared: case, accents, order, forms of address do not count.

    A Chinese name is compared without its blanks. A name of which nothing is left is compared as it is.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    if _CJK.search(folded):
        bare = "".join(_WORD.findall(folded))
        for title in _CHINESE_TITLES:
            if bare.endswith(title) and len(bare) > len(title) + 1:
                bare = bare.removesuffix(title)
        return bare
    plain = "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))
    words = sorted(word for word in _WORD.findall(plain) if word not in _TITLES)
    return " ".join(words) or " ".join(folded.split())


def same_name(first: str, second: str) -> bool:
    """Return whether two spellings are of one name."""
    return first == second or name_key(first) == name_key(second)


def company_key(name: str) -> str:
    """Return a firm's name as it is compared, without what kind of firm it is; empty if nothing is left."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    if _CJK.search(folded):
        bare = "".join(folded.split())
        while (shorter := _CHINESE_FORMS.sub("", bare)) and shorter != bare:
            bare = shorter
        return bare
    plain = "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))
    words = _WORD.findall(plain.replace(".", "").replace("'", ""))
    while len(words) > 1 and words[-1] in _FORMS:
        words.pop()
    if len(words) > 1 and words[0] == "the":
        del words[0]
    return " ".join(words)


def mailbox_key(address: str) -> str | None:
    """Return the mailbox behind a normalised address where its provider delivers many spellings to one.

    None where every spelling is a mailbox of its own. Gmail passes over dots and what follows a plus.
    """
    local, _, domain = address.rpartition("@")
    if domain not in _DOTS_DO_NOT_COUNT:
        return None
    return f"{local.partition('+')[0].replace('.', '')}@gmail.com"
