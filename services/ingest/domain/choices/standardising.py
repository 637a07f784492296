"""Standard choices: many spellings of one industry, size or level become one value (I3, I9).

What the values are stands in documents, and people add spellings; here is how a text finds its value.
Anything that finds none is kept as free text beside the lead, where people can read it and rules cannot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from services.ingest.domain.choices.amounts import find_band, read_span
from services.ingest.domain.choices.answers import read_yes_no
from services.ingest.domain.choices.folding import fold, fold_spelling, key_of
from services.ingest.domain.choices.numbers import read_number
from services.ingest.domain.choices.rules import UNREAD, Added, ChoiceRule, Standard
from services.ingest.domain.choices.spelling import Spellings, WordSpellings
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.moments import read_moment
from services.ingest.domain.scrubbing import Scalar, identifies
from shared.kernel.instants import format_instant

_LONGEST_KEPT: Final = 40
_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 64


class Choices:
    """The rules of all attributes, ready to be used; what people ``added`` goes before the documents.

    :raises ValueError: if a rule contradicts itself.
    """

    def __init__(
        self, rules: Sequence[ChoiceRule], added: Iterable[Added] = (), *, currency: str = "CNY"
    ) -> None:
        self._rules = {rule.attribute: rule for rule in rules}
        self._currency = currency or "CNY"
        by_people: dict[str, dict[str, str]] = {}
        for one in added:
            by_people.setdefault(one.attribute, {})[one.text] = one.value
        self._by_people = {
            attribute: {key_of(text): value for text, value in texts.items()}
            for attribute, texts in by_people.items()
        }
        self._spellings = {
            rule.attribute: _spellings_of(rule, by_people[rule.attribute])
            if rule.attribute in by_people
            else _shipped_spellings(rule)
            for rule in rules
        }
        self._seen: dict[tuple[str, str], Standard] = {}
        for rule in rules:
            if rule.kind == "band" and len(rule.values) != len(rule.bounds) + 1:
                raise ValueError(f"{rule.attribute}: give one value more than there are bounds")

    @property
    def attributes(self) -> frozenset[str]:
        """The names of the attributes that have a rule."""
        return frozenset(self._rules)

    def rule_of(self, attribute: str) -> ChoiceRule | None:
        """Return the rule of an attribute, or None if it has none."""
        return self._rules.get(attribute)

    def standardise(self, attribute: str, value: object) -> Standard:
        """Return what ``value`` means for ``attribute``; nothing where there is no rule for it."""
        rule = self._rules.get(attribute)
        if rule is None:
            return UNREAD
        if not isinstance(value, str) or len(value) > _LONGEST_REMEMBERED:
            return self._standardise(rule, value)
        seen = self._seen.get((attribute, value))
        if seen is None:
            seen = self._standardise(rule, value)
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[attribute, value] = seen
        return seen

    def _standardise(self, rule: ChoiceRule, value: object) -> Standard:
        match rule.kind:
            case "choice" | "words":
                return self._choose(rule, value)
            case "band":
                return self._sort_into_band(rule, value)
            case "yes_no":
                return self._answer(rule, value)
            case "number":
                number = read_number(value)
                return UNREAD if number is None else _plain({rule.attribute: number})
            case "date":
                moment = read_moment(value)
                return UNREAD if moment is None else _plain({rule.attribute: format_instant(moment)[:10]})

    def _choose(self, rule: ChoiceRule, value: object) -> Standard:
        text = clean_text(value)
        if text is None:
            return UNREAD
        found = self._find(rule, text)
        if found is None:
            return self._unknown(rule, text)
        return Standard({rule.attribute: found}, is_known=True, is_plain=_is_name(text, found))

    def _find(self, rule: ChoiceRule, text: str) -> str | None:
        by_people = self._by_people.get(rule.attribute)
        if by_people is not None and (found := by_people.get(key_of(fold_spelling(text)))) is not None:
            return found
        return self._spellings[rule.attribute](text)

    def _sort_into_band(self, rule: ChoiceRule, value: object) -> Standard:
        names = list(rule.values)
        text = clean_text(value)
        if text is None:
            return UNREAD
        if isinstance(value, int | float) and value >= 0:
            return self._sort_number(rule, value)
        found = self._find(rule, text)
        if found is not None:
            is_plain = _is_name(text, found) or text in rule.values.get(found, ())
            return Standard({rule.attribute: found}, is_known=True, is_plain=is_plain)
        span = read_span(fold_spelling(text), currency=self._currency)
        if span is None:
            return self._unknown(rule, text)
        if span.exact is not None:
            return self._sort_number(rule, span.exact)
        band = find_band(rule.bounds, span)
        if band is None:
            return self._unknown(rule, text)
        return Standard({rule.attribute: names[band]}, is_known=True)

    @staticmethod
    def _sort_number(rule: ChoiceRule, number: float) -> Standard:
        attributes: dict[str, Scalar] = {rule.attribute: list(rule.values)[bisect_right(rule.bounds, number)]}
        if rule.number:
            attributes[rule.number] = number
        return _plain(attributes)

    def _answer(self, rule: ChoiceRule, value: object) -> Standard:
        answer = read_yes_no(value)
        text = clean_text(value)
        if text is not None and (found := self._find(rule, text)) is not None:
            answer = found == "yes"
        if answer is not None:
            return _plain({rule.attribute: answer})
        return UNREAD if text is None else self._unknown(rule, text)

    @staticmethod
    def _unknown(rule: ChoiceRule, text: str) -> Standard:
        if rule.unknown == "other":
            return Standard({rule.attribute: rule.other}, is_known=False)
        if rule.unknown == "keep" and len(text) <= _LONGEST_KEPT and not identifies(text):
            return Standard({rule.attribute: fold(text)}, is_known=False)
        return UNREAD


def _plain(attributes: dict[str, Scalar]) -> Standard:
    return Standard(attributes, is_known=True, is_plain=True)


def _is_name(text: str, value: str) -> bool:
    return text.casefold().replace(" ", "_") == value


@lru_cache(maxsize=256)
def _shipped_spellings(rule: ChoiceRule) -> Callable[[str], str | None]:
    """Fold the spellings of a document once, however many readers a process has."""
    return _spellings_of(rule, {})


def _spellings_of(rule: ChoiceRule, by_people: dict[str, str]) -> Callable[[str], str | None]:
    if rule.kind == "words":
        values = {value: list(spellings) for value, spellings in rule.values.items()}
        for text, value in by_people.items():
            values.setdefault(value, []).append(text)
        return WordSpellings(values, rule.reading).find
    taken = {key_of(text) for text in by_people}
    values = {
        value: [one for one in spellings if key_of(fold_spelling(one)) not in taken]
        for value, spellings in rule.values.items()
    }
    for text, value in by_people.items():
        values.setdefault(value, []).append(text)
    return Spellings(values, rule.reading).find
