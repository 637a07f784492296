"""Checks a condition against a catalogue and compiles it once into plain closures.

**What is not known neither holds nor fails.** A comparison with an attribute that is absent, null or
of another type than the catalogue says is *unknown*, and so is ``not`` of it: "industry not in the
target list" does not hold for a lead whose industry nobody knows. ``all`` fails if one part fails,
``any`` holds if one part holds, else an unknown part makes them unknown. A whole condition that is
unknown does not hold. Ask ``known`` or ``unknown`` to speak of knowledge itself. An attribute of
kind :class:`~shared.conditions.catalogue.Labels` that is absent is an empty set, hence known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from shared.conditions.catalogue import Catalogue, Choice, Day, Flag, Kind, Labels, Number, Text, ValueLists
from shared.conditions.operators import OPERATORS, Decide, read_value, suitable_operators
from shared.kernel.faults import Fault, Faults, allowed, show

Test: TypeAlias = Callable[[Mapping[str, object]], bool | None]
"""Tells of the values of some attributes: holds (True), fails (False) or unknown (None)."""

_JOINTS = ("all", "any", "not")
_TYPES: Mapping[type, tuple[type, ...]] = {
    Text: (str,),
    Choice: (str,),
    Number: (int, float),
    Flag: (bool,),
    Day: (str,),
    Labels: (list, tuple, set, frozenset),
}
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition. It holds where ``test(values)`` is true; ``fields`` are all it reads."""

    test: Test
    fields: frozenset[str]


class ConditionFaults(Faults):
    """A condition has faults; all of them are listed, each with its path."""

    code: ClassVar[str] = "condition.faults"


def compile_condition(
    source: object, *, catalogue: Catalogue, lists: ValueLists | None = None, path: str = "when"
) -> Condition:
    """Check and compile one condition given as plain data.

    ``lists`` holds the values behind ``value: {list: name@version}``.

    :raises ConditionFaults: with every fault in it, each with its path below ``path``.
    """
    compiler = _Compiler(catalogue, lists or {})
    test = compiler.compile(source, path, depth=0)
    if compiler.faults:
        raise ConditionFaults(compiler.faults)
    return Condition(test, frozenset(compiler.fields))


def _fails(_values: Mapping[str, object]) -> bool | None:
    return False


class _Compiler:
    """Walks one condition; gathers faults instead of stopping at the first."""

    def __init__(self, catalogue: Catalogue, lists: ValueLists) -> None:
        self.catalogue = catalogue
        self.lists = lists
        self.faults: list[Fault] = []
        self.fields: set[str] = set()

    def fault(self, path: str, text: str) -> Test:
        self.faults.append(Fault(path, text))
        return _fails

    def compile(self, source: object, path: str, *, depth: int) -> Test:
        if not isinstance(source, Mapping):
            return self.fault(path, f"{show(source)} is no condition; write field, operator and value")
        if depth > _DEEPEST:
            return self.fault(path, f"conditions nest at most {_DEEPEST} deep")
        joint = next((name for name in _JOINTS if name in source), None)
        if joint is None:
            return self.comparison(source, path)
        if len(source) > 1:
            extra = ", ".join(sorted(str(key) for key in source if key != joint))
            return self.fault(path, f"{joint} stands alone; move {extra} inside or beside it")
        return self.joint(joint, source[joint], f"{path}.{joint}", depth + 1)

    def joint(self, joint: str, source: object, path: str, depth: int) -> Test:
        if joint == "not":
            return _not(self.compile(source, path, depth=depth))
        if not isinstance(source, Sequence) or isinstance(source, str) or not source:
            return self.fault(path, f"{joint} takes a list of at least one condition")
        tests = tuple(self.compile(part, f"{path}[{i}]", depth=depth) for i, part in enumerate(source))
        return _all(tests) if joint == "all" else _any(tests)

    def comparison(self, source: Mapping[object, object], path: str) -> Test:
        for key in source:
            if key not in {"field", "operator", "value"}:
                choices = ("field", "operator", "value", *_JOINTS)
                self.fault(f"{path}.{key}", f"has no place here; {allowed(choices, instead_of=key)}")
        field, name = source.get("field"), source.get("operator")
        kind = self.catalogue.get(field) if isinstance(field, str) else None
        if kind is None or not isinstance(field, str):
            problem = "is missing" if field is None else f"{show(field)} is unknown"
            return self.fault(f"{path}.field", f"{problem}; {allowed(self.catalogue, instead_of=field)}")
        if name not in suitable_operators(kind) or not isinstance(name, str):
            problem = "is missing" if name is None else f"{show(name)} does not suit {field}"
            suitable = allowed(suitable_operators(kind), instead_of=name)
            return self.fault(f"{path}.operator", f"{problem}; {suitable}")
        values = self.values(kind, OPERATORS[name].takes, source, f"{path}.value")
        if values is None:
            return _fails
        self.fields.add(field)
        return _comparison(name, field, kind, values)

    def values(
        self, kind: Kind, takes: str, source: Mapping[object, object], path: str
    ) -> Sequence[object] | None:
        """Return the operator's values, or None after noting what is wrong with them."""
        before = len(self.faults)
        given = source.get("value")
        if takes == "nothing":
            if "value" in source:
                self.fault(path, "has no place here; this operator takes no value")
            values: Sequence[object] = ()
        elif takes == "one":
            values = (given,)
        elif isinstance(given, Mapping):
            values = self.listed(given, path)
        elif isinstance(given, list) and given:
            values = given
        else:
            self.fault(path, "takes a list of at least one value, or {list: name@version}")
            values = ()
        for index, value in enumerate(values):
            problem = read_value(kind, value)
            if problem:
                self.fault(f"{path}[{index}]" if takes == "many" else path, problem)
        return values if len(self.faults) == before else None

    def listed(self, given: Mapping[object, object], path: str) -> Sequence[object]:
        name = given.get("list")
        if set(given) != {"list"} or not isinstance(name, str) or name not in self.lists:
            self.fault(path, f"{show(name)} names no list; {allowed(self.lists, instead_of=name)}")
            return ()
        return self.lists[name]


def _comparison(name: str, field: str, kind: Kind, values: Sequence[object]) -> Test:
    types = _TYPES[type(kind)]
    if name in {"known", "unknown"}:
        wanted = name == "known"
        if isinstance(kind, Labels):
            return lambda given: bool(given.get(field)) is wanted
        return lambda given: (type(given.get(field)) in types) is wanted
    decide: Decide = OPERATORS[name].build(kind, values)
    if isinstance(kind, Labels):

        def test_labels(given: Mapping[str, object]) -> bool | None:
            value = given.get(field, ())
            return decide(value) if type(value) in types else decide(())

        return test_labels

    def test(given: Mapping[str, object]) -> bool | None:
        value = given.get(field)
        return decide(value) if type(value) in types else None

    return test


def _not(part: Test) -> Test:
    def test(given: Mapping[str, object]) -> bool | None:
        result = part(given)
        return None if result is None else not result

    return test


def _all(parts: Sequence[Test]) -> Test:
    def test(given: Mapping[str, object]) -> bool | None:
        whole: bool | None = True
        for part in parts:
            result = part(given)
            if result is False:
                return False
            if result is None:
                whole = None
        return whole

    return test


def _any(parts: Sequence[Test]) -> Test:
    def test(given: Mapping[str, object]) -> bool | None:
        whole: bool | None = False
        for part in parts:
            result = part(given)
            if result is True:
                return True
            if result is None:
                whole = None
        return whole

    return test
