"""The words of an escalation policy: which facts, comparisons and stages there are.

Closed sets that authoring (``language.escalation``) and the runtime (``enforcement``) share; ``docs/escalation.md`` shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FactKind = Literal["text", "number", "level", "stage", "any"]
"""``level`` and ``stage`` are ordered words: ``gte: high``. ``any``: an account fact, whose kind is its literal's."""
Subject = Literal["case", "finding", "account", "other", "third"]

MAX_PRODUCTIONS = 100
MAX_VALUES = 20
"""Values of one condition."""
MAX_CONDITIONS = 12
"""Conditions of one production."""
MAX_WHOLE = 2**53 - 1
"""Largest whole number of a fact or a literal: the engine computes in doubles."""
MAX_TEXT_CHARS = 128
"""Of a text literal and of a text fact."""

POLICY_STAGES = ("watch", "warn", "restrict", "suspend")
"""Stages that a production may reach. ``terminate`` is a person's decision, never a production's."""
WITHHOLDABLE = ("reasoning", "logprobs")
COMPARISONS = ("neq", "gt", "gte", "lt", "lte")
"""Modifiers after the fact's name; without one, equality. A list of values means any of them (with ``neq``: none of them)."""
REFERENCE = "fieldref"
"""Modifier: the value names a fact of another subject."""
NOTICE_WORDS = ("account", "stage", "clause", "until", "appeal")
"""What a notice's text may name in braces."""

_FINDING: Mapping[str, FactKind] = {
    "level": "level",
    "rule": "text",
    "topic": "text",
    "kind": "text",
    "count": "number",
    "threshold": "number",
    "strikes": "number",
}
FACTS: Mapping[str, Mapping[str, FactKind]] = {
    "finding": _FINDING,
    "case": {
        "stage": "stage",
        "strikes": "number",
        "findings": "number",
        "correlations": "number",
        "limits": "number",
        "rules": "number",
        "topics": "number",
        "releases": "number",
    },
    "other": {**_FINDING, "age": "number"},
    "third": {**_FINDING, "age": "number"},
}
"""Facts by subject. ``finding`` is the one that just came; ``other`` and ``third`` are two more of the same Case; ``account``
has whatever was written with ``ostiary account set``."""

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Operand:
    """A condition's key, taken apart: ``other.rule|neq|fieldref`` → (other, rule, neq, reference)."""

    subject: str
    name: str
    comparison: str
    reference: bool

    @property
    def kind(self) -> FactKind:
        return "any" if self.subject == "account" else FACTS[self.subject][self.name]


def operand(key: str) -> Operand:
    """Reads a condition's key. Raises ``ValueError`` with the reason for an unknown subject, fact or modifier.

    >>> operand("case.strikes|gte")
    Operand(subject='case', name='strikes', comparison='gte', reference=False)
    """
    path, *modifiers = key.split("|")
    subject, _, name = path.partition(".")
    if subject != "account" and subject not in FACTS:
        raise ValueError(f"{path!r}: a fact starts with case., finding., other., third. or account.")
    if not name or (subject != "account" and name not in FACTS[subject]):
        known = ", ".join(FACTS.get(subject, {})) or "a name"
        raise ValueError(f"{path!r}: {subject} has no fact {name!r}; it has {known}")
    reference = REFERENCE in modifiers
    comparisons = [word for word in modifiers if word != REFERENCE]
    if len(modifiers) != len(set(modifiers)) or len(comparisons) > 1:
        raise ValueError(f"{key!r}: at most one comparison and one {REFERENCE}")
    if comparisons and comparisons[0] not in COMPARISONS:
        raise ValueError(f"{comparisons[0]!r} is no comparison; there are {', '.join(COMPARISONS)}")
    return Operand(subject, name, comparisons[0] if comparisons else "eq", reference)


def seconds(text: object) -> int:
    """A duration such as ``7d`` (s, m, h, d, w) in seconds. Raises ``ValueError`` for anything else.

    >>> seconds("7d")
    604800
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is no duration; write a whole number and a unit: 90s, 10m, 12h, 7d, 4w")
    return int(match[1]) * _UNIT[match[2]]
