"""The shape of the document that says what asks for attention, and how it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from services.scoring.domain.attention.wanting import Attention, Sign
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import Name
from services.scoring.domain.vocabulary import Vocabulary
from shared.kernel.faults import Fault, Faults
from shared.kernel.instants import HOUR


class SignDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many ``acts``, or acts on different objects, the last within ``within_hours`` of the first."""

    sign: Name
    label: Mapping[str, str] = {}
    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    at_least: Annotated[int, Meta(ge=1, le=20)]
    within_hours: Annotated[int, Meta(ge=1, le=24 * 31)]
    counting: Literal["acts", "objects"]


class AttentionDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What asks for attention, and for how many hours nothing more is told after it was.

    ``wanted_fields`` are attributes that the owner is asked for after the first contact (C10).
    """

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    quiet_hours: Annotated[int, Meta(ge=1, le=24 * 31)]
    signs: Annotated[tuple[SignDocument, ...], Meta(min_length=1)]
    wanted_fields: tuple[str, ...] = ()


class AttentionFaults(Faults):
    """The document has faults; all of them are listed, each with its path."""

    code: ClassVar[str] = "scoring.attention_faults"


def compile_attention(document: AttentionDocument, vocabulary: Vocabulary) -> Attention:
    """Check and compile the document.

    :raises AttentionFaults: with every fault, each with its path.
    """
    faults: list[Fault] = []
    signs: list[Sign] = []
    for place, source in enumerate(document.signs):
        context = RuleContext(
            path=f"signs[{place}]", behaviour=True, cooling=None, vocabulary=vocabulary, faults=faults
        )
        if any(sign.name == source.sign for sign in signs):
            context.fault("sign", f"{source.sign} is there already; names are unique")
        objects = context.objects(source.acts)
        condition = (
            context.condition(source.when, context.shared_fields(source.acts)) if source.when else None
        )
        signs.append(
            Sign(
                name=source.sign,
                objects=objects,
                test=condition.test if condition else None,
                at_least=source.at_least,
                window=source.within_hours * HOUR,
                per_object=source.counting == "objects",
            )
        )
    for place, field in enumerate(document.wanted_fields):
        if field not in vocabulary.attributes:
            allowed = ", ".join(sorted(vocabulary.attributes))
            faults.append(Fault(f"wanted_fields[{place}]", f"{field} is no attribute; use one of {allowed}"))
    if faults:
        raise AttentionFaults(faults, about=document.name)
    return Attention(
        version=document.version,
        quiet=document.quiet_hours * HOUR,
        signs=tuple(signs),
        fields=document.wanted_fields,
    )
