"""Plain data to a declared shape (msgspec structs), with every fault listed at once.

The walk below goes through structs, lists, mappings and tagged unions itself, so that one fault does
not hide the next, and leaves single values to msgspec. Keys that no struct knows are faults.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

from shared.documents.faults import Fault, raise_if_any
from shared.kernel.faults import allowed, show

T = TypeVar("T")


def check_document(data: object, shape: type[T], *, about: str) -> T:
    """Return ``data`` as ``shape``, a struct; ``about`` names the document in faults.

    :raises DocumentFaults: with every fault, each with its path.
    """
    faults: list[Fault] = []
    _check(data, shape, "", faults)
    raise_if_any(faults, about=about)
    try:
        return msgspec.convert(data, shape, strict=True)
    except msgspec.ValidationError as error:
        faults.append(_as_fault(error, ""))
    raise_if_any(faults, about=about)
    raise AssertionError("unreachable: a fault was just noted")


def _check(value: object, shape: Any, path: str, faults: list[Fault]) -> None:
    bare = _bare(shape)
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    before = len(faults)
    if origin in {typing.Union, types.UnionType}:
        _check_union(value, shape, arguments, path, faults)
    elif isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        _check_struct(value, bare, path, faults)
    elif origin in {list, tuple, Sequence}:
        if isinstance(value, list):
            for index, part in enumerate(value):
                _check(part, arguments[0], f"{path}[{index}]", faults)
        if len(faults) == before:
            _check_leaf(value, shape, path, faults)
    elif origin in {dict, Mapping}:
        if isinstance(value, dict):
            for key, part in value.items():
                _check(part, arguments[1], f"{path}.{key}" if path else str(key), faults)
        if len(faults) == before:
            _check_leaf(value, shape, path, faults)
    else:
        _check_leaf(value, shape, path, faults)


def _check_struct(value: object, shape: type[msgspec.Struct], path: str, faults: list[Fault]) -> None:
    if not isinstance(value, dict):
        faults.append(Fault(path, f"{show(value)} is no mapping; {allowed(_keys(shape))}"))
        return
    fields = _fields(shape)
    tag_field = shape.__struct_config__.tag_field
    for key in value:
        if key not in fields and key != tag_field:
            known = allowed(_keys(shape), instead_of=key)
            faults.append(Fault(_below(path, key), f"has no place here; {known}"))
    for name, field in fields.items():
        if name in value:
            _check(value[name], field.type, _below(path, name), faults)
        elif field.required:
            faults.append(Fault(_below(path, name), "is missing"))


@cache
def _fields(shape: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(shape)}


def _check_union(
    value: object, shape: Any, arguments: tuple[Any, ...], path: str, faults: list[Fault]
) -> None:
    tagged = {
        str(member.__struct_config__.tag): member
        for member in arguments
        if isinstance(member, type)
        and issubclass(member, msgspec.Struct)
        and member.__struct_config__.tag is not None
    }
    others = [member for member in arguments if member is not type(None)]
    if value is None and len(others) < len(arguments):
        return
    if tagged and isinstance(value, dict):
        tag_field = str(next(iter(tagged.values())).__struct_config__.tag_field)
        tag = value.get(tag_field)
        if isinstance(tag, str) and tag in tagged:
            _check_struct(value, tagged[tag], path, faults)
        else:
            problem = f"{show(tag)} is unknown" if tag_field in value else "is missing"
            known = allowed(tagged, instead_of=tag)
            faults.append(Fault(_below(path, tag_field), f"{problem}; {known}"))
    elif len(others) == 1:
        _check(value, others[0], path, faults)
    else:
        _check_leaf(value, shape, path, faults)


def _check_leaf(value: object, shape: Any, path: str, faults: list[Fault]) -> None:
    try:
        msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        fault = _as_fault(error, path)
        faults.append(Fault(fault.path, f"{show(value)} does not fit: {fault.text}"))


def _as_fault(error: msgspec.ValidationError, path: str) -> Fault:
    text, _, where = str(error).partition(" - at `$")
    return Fault(path + where.rstrip("`").lstrip("." if not path else ""), text)


def _bare(shape: Any) -> Any:
    return typing.get_args(shape)[0] if typing.get_origin(shape) is Annotated else shape


def _keys(shape: type[msgspec.Struct]) -> list[str]:
    tag_field = shape.__struct_config__.tag_field
    names = [field.encode_name for field in msgspec.structs.fields(shape)]
    return [tag_field, *names] if tag_field else names


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
