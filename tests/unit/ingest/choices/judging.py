"""How texts are judged against what is expected: right, wrong, or unmatched. Prints the figures.

``python -m tests.unit.ingest.choices.judging`` says them on standard output.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from services.ingest.domain.choices import Choices
from services.ingest.domain.choices.traditional import traditional_of
from services.ingest.store.documents import read_rulebook

ROOT: Final = Path(__file__).parents[4]
BY_HAND: Final = ROOT / "tests" / "cases" / "choices" / "by_hand.tsv"
SEED: Final = 20_261_127
GENERATED: Final = 2_000

_NEIGHBOURS: Final = {
    "a": "sq",
    "b": "vn",
    "c": "xv",
    "d": "sf",
    "e": "wr",
    "f": "dg",
    "g": "fh",
    "h": "gj",
    "i": "uo",
    "j": "hk",
    "k": "jl",
    "l": "k",
    "m": "n",
    "n": "bm",
    "o": "ip",
    "p": "o",
    "q": "wa",
    "r": "et",
    "s": "ad",
    "t": "ry",
    "u": "yi",
    "v": "cb",
    "w": "qe",
    "x": "zc",
    "y": "tu",
    "z": "x",
}
_SUFFIXES: Final = {
    "industry": ("行业", "产业", "领域", " industry", " sector"),
    "region": ("市", "地区", " city", " region"),
    "stage": ("阶段", "中", " stage", " phase"),
}


class Case(NamedTuple):
    """A text for an attribute, and what it must become; None must stand for nothing."""

    attribute: str
    text: str
    expected: str | None


class Judged(NamedTuple):
    """A case, and what it became."""

    case: Case
    found: str | None

    @property
    def is_right(self) -> bool:
        """True if it became what it must."""
        return self.found == self.case.expected

    @property
    def is_wrong(self) -> bool:
        """True if it became another value: worse than none."""
        return self.found is not None and not self.is_right


def shipped() -> Choices:
    """Return the choices of the documents that ship."""
    return Choices(read_rulebook(ROOT / "config" / "ingest", default_region="CN").choices)


def read_by_hand() -> list[Case]:
    """Return the cases that were written by hand."""
    lines = BY_HAND.read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [Case(attribute, text, None if value == "-" else value) for attribute, text, value in rows]


def judge(choices: Choices, cases: Iterable[Case]) -> list[Judged]:
    """Return what each case becomes."""
    return [Judged(case, _value(choices, case)) for case in cases]


def _value(choices: Choices, case: Case) -> str | None:
    standard = choices.standardise(case.attribute, case.text)
    if not standard.is_known:
        return None
    found = standard.attributes[case.attribute]
    return {True: "yes", False: "no"}[found] if isinstance(found, bool) else str(found)


def generate(choices: Choices, *, count: int = GENERATED, seed: int = SEED) -> list[Case]:
    """Return spellings of the shipped choices as people vary them, the same for the same seed."""
    draw = random.Random(seed)
    known = list(_shipped_spellings(choices))
    cases: list[Case] = []
    while len(cases) < count:
        case = draw.choice(known)
        cases.append(case._replace(text=_vary(draw, case)))
    return cases


def _shipped_spellings(choices: Choices) -> Iterator[Case]:
    for attribute in sorted(choices.attributes):
        rule = choices.rule_of(attribute)
        if rule is None or rule.kind not in {"choice", "words", "band", "yes_no"}:
            continue
        for value, spellings in rule.values.items():
            for spelling in spellings:
                yield Case(attribute, spelling, value)


def _vary(draw: random.Random, case: Case) -> str:
    text = case.text
    ways = draw.sample(
        (_other_case, _full_width, _traditional, _blanks, _mark, _affix, _typo), draw.choice((1, 1, 2))
    )
    for way in ways:
        text = way(draw, case._replace(text=text))
    return text


def _other_case(draw: random.Random, case: Case) -> str:
    return draw.choice((case.text.upper(), case.text.title(), case.text.lower()))


def _full_width(draw: random.Random, case: Case) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in case.text)


def _traditional(draw: random.Random, case: Case) -> str:
    return traditional_of(case.text)


def _blanks(draw: random.Random, case: Case) -> str:
    inside = " ".join(case.text) if not case.text.isascii() else case.text.replace(" ", "  ")
    return draw.choice((f" {case.text} ", f"\u3000{case.text}\u3000", inside, f"{case.text}\t"))


def _mark(draw: random.Random, case: Case) -> str:
    marks = (
        ("{}.", "{}。", "{};", "“{}”", "{} ", "- {}", "{}!") if not _has_digit(case.text) else ("{}", " {} ")
    )
    return draw.choice(marks).format(case.text)


def _affix(draw: random.Random, case: Case) -> str:
    latin = case.text.isascii()
    fitting = [one for one in _SUFFIXES.get(case.attribute, ()) if one.isascii() == latin]
    return case.text + draw.choice(fitting) if fitting and not _has_digit(case.text) else case.text


def _typo(draw: random.Random, case: Case) -> str:
    """One slip of the fingers in a word of six letters or more; the first letter is rarely the one."""
    text = case.text
    places = [
        place
        for place in range(1, len(text) - 1)
        if "a" <= text[place].lower() <= "z" and text[place - 1].isalpha() and text[place + 1].isalpha()
    ]
    if not places or len(max(text.split(), key=len)) < 6 or not text.isascii():
        return text
    place = draw.choice(places)
    one = text[place].lower()
    match draw.randrange(4):
        case 0:
            return text[:place] + text[place + 1 :]
        case 1:
            return text[:place] + text[place] + text[place:]
        case 2:
            return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        case _:
            return text[:place] + draw.choice(_NEIGHBOURS[one]) + text[place + 1 :]


def _has_digit(text: str) -> bool:
    return any(one.isdigit() for one in text)


def figures(judged: Sequence[Judged]) -> str:
    """Return the figures in words, and every case that is not right."""
    counts = Counter("right" if one.is_right else "wrong" if one.is_wrong else "unmatched" for one in judged)
    share = 100 * counts["right"] / len(judged)
    told = f"{len(judged)} texts: {counts['right']} right ({share:.2f} %), {counts['wrong']} wrong"
    lines = [f"{told}, {counts['unmatched']} unmatched"]
    lines += [
        f"  {one.case.attribute}\t{one.case.text!r}\tmust be {one.case.expected}\tis {one.found}"
        for one in judged
        if not one.is_right
    ]
    return "\n".join(lines)


def main() -> int:
    """Print both sets of figures."""
    choices = shipped()
    for name, cases in (("written by hand", read_by_hand()), ("generated", generate(choices))):
        sys.stdout.write(f"{name}: {figures(judge(choices, cases))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
