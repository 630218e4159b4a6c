"""RuleTest: an example inside a rule, with what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ostiary.language.detection import check_reading
from ostiary.language.mistake import Position, did_you_mean
from ostiary.language.models import Expect, RuleTestDocument
from ostiary.language.nodes import Mapping, Node, Scalar, Sequence
from ostiary.language.reading import describe
from ostiary.language.scalars import value_of
from ostiary.language.source import Source
from ostiary.vocabulary.fields import FIELD_FAMILIES, REQUEST_FIELDS, known
from ostiary.vocabulary.request import Fields, Value
from ostiary.vocabulary.request import Scalar as FieldScalar


@dataclass(frozen=True, slots=True)
class RuleTest:
    """``times`` equal requests (or records) at one instant; ``expect`` is what the last one gets."""

    rule: str
    """The rule's id."""
    name: str
    kind: Literal["request", "record"]
    fields: Fields
    times: int
    expect: Expect
    position: Position


REFUSED: frozenset[Expect] = frozenset({"withheld", "throttled", "denied"})
"""Expectations where something is taken from the caller."""


def read_tests(node: Node, source: Source, rule: str, *, windows: bool, check_fields: bool) -> list[RuleTest]:
    """The tests of a rule. ``windows``: its records are account or group windows; ``check_fields``: unknown fields are mistakes."""
    if not isinstance(node, Sequence):
        source.refuse(node.mark, "tests-shape", "`tests` must be a list")
        return []
    tests: list[RuleTest] = []
    names: set[str] = set()
    for index, item in enumerate(node.items):
        model = describe(RuleTestDocument, item, source, f"tests[{index}]")
        if not isinstance(item, Mapping):
            continue
        kind: Literal["request", "record"] = "record" if windows else "request"
        fields = item.get(kind)
        values = _fields(fields, source, check_fields and not windows) if fields is not None else {}
        if model is None:
            continue
        if model.name in names:
            source.refuse(item.mark, "duplicate-test", f"two tests are called `{model.name}`")
        names.add(model.name)
        if fields is None or (model.request is not None and model.record is not None):
            what = "a rule over windows is tested by `record:`" if windows else "a rule over requests is tested by `request:`"
            source.refuse(item.mark, "test-kind", f"{what}, which this test lacks" if fields is None else f"{what} alone")
            continue
        tests.append(RuleTest(rule, model.name, kind, values, model.times, model.expect, source.position(item.mark)))
    return tests


def suggest_field(name: str) -> str:
    """A hint for a name that no request has."""
    return did_you_mean(name, [*REQUEST_FIELDS, *(f"{family}…" for family in FIELD_FAMILIES)], cutoff=0.6)


def _fields(node: Node, source: Source, check: bool, prefix: str = "") -> dict[str, Value]:
    found: dict[str, Value] = {}
    if not isinstance(node, Mapping):
        return found
    for key, value in node:
        name = prefix + key.value
        if isinstance(value, Mapping):
            found.update(_fields(value, source, check, name + "."))
            continue
        if check and known(name) is None:
            source.refuse(key.mark, "unknown-field", f"no request has a field `{name}`", suggest_field(name))
        if isinstance(value, Sequence):
            found[name] = tuple(_scalar(item, source) for item in value.items)
        else:
            found[name] = _scalar(value, source)
    return found


def _scalar(node: Node, source: Source) -> FieldScalar:
    if isinstance(node, Scalar):
        check_reading(node, source, True)
        return value_of(node)
    source.refuse(node.mark, "value-shape", "a field holds text, a number, true, false or null, or a list of these")
    return None
