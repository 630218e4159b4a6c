"""RuleTest: an example inside a rule, with what must come of it."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Literal

from ostiary.language.entry import check_reading
from ostiary.language.mistake import Position, did_you_mean
from ostiary.language.models import MAX_STEPS, Expect, RuleTestDocument, StepDocument
from ostiary.language.nodes import Mapping, Node, Scalar, Sequence
from ostiary.language.reading import describe, place
from ostiary.language.scalars import value_of
from ostiary.language.source import Source
from ostiary.vocabulary.fields import COLLECTIONS, FIELD_FAMILIES, REQUEST_FIELDS, known
from ostiary.vocabulary.request import Fields, Value
from ostiary.vocabulary.request import Scalar as FieldScalar

Kind = Literal["request", "record"]


@dataclass(frozen=True, slots=True)
class Step:
    """``times`` equal requests (or records) at one instant, ``at`` seconds from the start; ``expect`` is what the last one gets."""

    at: float
    fields: Fields
    times: int = 1
    expect: Expect | None = None
    """None: whatever it gets."""


@dataclass(frozen=True, slots=True)
class RuleTest:
    """An example: steps in the order of their times. The last step, and so the test, always expects something."""

    rule: str
    """The rule's id."""
    name: str
    kind: Kind
    steps: tuple[Step, ...]
    position: Position

    @property
    def fields(self) -> Fields:
        """What its last request (or record) holds."""
        return self.steps[-1].fields

    @property
    def times(self) -> int:
        """How many requests (or records) it has in all."""
        return sum(step.times for step in self.steps)

    @property
    def expect(self) -> Expect:
        """What the last one gets."""
        expect = self.steps[-1].expect
        assert expect is not None, "the last step of a test expects something"
        return expect


REFUSED: frozenset[Expect] = frozenset({"withheld", "throttled", "denied"})
"""Expectations where something is taken from the caller."""


def read_tests(node: Node, source: Source, rule: str, *, windows: bool | None, check_fields: bool) -> list[RuleTest]:
    """The tests of a rule.

    ``windows``: its records are account or group windows; None for a correlation, which may be about requests or about records.
    ``check_fields``: fields that no request has are mistakes.
    """
    if not isinstance(node, Sequence):
        source.refuse(node.mark, "tests-shape", "`tests` must be a list")
        return []
    tests: list[RuleTest] = []
    names: set[str] = set()
    for index, item in enumerate(node.items):
        model = describe(RuleTestDocument, item, source, f"tests[{index}]")
        if not isinstance(item, Mapping):
            continue
        kind: Kind = "record" if windows or (windows is None and _has_record(item)) else "request"
        reader = _Reader(source, kind, check_fields and kind == "request")
        if model is None:
            reader.look_at_fields(item)
            continue
        if model.name in names:
            source.refuse(item.mark, "duplicate-test", f"two tests are called `{model.name}`")
        names.add(model.name)
        steps = reader.sequence(model, item) if model.sequence is not None else reader.single(model, item)
        if steps is not None:
            tests.append(RuleTest(rule, model.name, kind, tuple(steps), source.position(item.mark)))
    return tests


def _has_record(item: Mapping) -> bool:
    steps = item.get("sequence")
    parts = (item, *(steps.items if isinstance(steps, Sequence) else ()))
    return any(isinstance(part, Mapping) and part.get("record") is not None for part in parts)


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    kind: Kind
    check_fields: bool

    def single(self, model: RuleTestDocument, item: Mapping) -> list[Step] | None:
        """A test of equal requests at one instant."""
        fields = self._fields_of(model, item, "this test")
        if model.expect is None:
            self.source.refuse(item.mark, "missing-key", "`expect` is missing")
        if fields is None or model.expect is None:
            return None
        return [Step(0.0, fields, model.times or 1, model.expect)]

    def sequence(self, model: RuleTestDocument, item: Mapping) -> list[Step] | None:
        """A test of steps. A step without ``at`` is at the time of the one before it; the test's ``expect`` is the last step's."""
        assert model.sequence is not None
        before = len(self.source.mistakes)
        for key in (item.key(name) for name in ("request", "record", "times")):
            if key is not None:
                message = f"`{key.value}` beside `sequence`: each step of a sequence has its own"
                self.source.refuse(key.mark, "test-kind", message, f"move `{key.value}` into a step")
        if len(model.sequence) > MAX_STEPS:
            message = f"the sequence has {len(model.sequence)} steps, more than {MAX_STEPS}"
            self.source.refuse(place(item, ("sequence",)), "sequence-size", message, "use `times`")
        nodes = item.get("sequence")
        assert isinstance(nodes, Sequence)
        steps = self._steps(model.sequence, nodes.items)
        self._check_expectation(model, item)
        if len(self.source.mistakes) > before:
            return None
        if model.expect is not None:
            steps[-1] = Step(steps[-1].at, steps[-1].fields, steps[-1].times, model.expect)
        return steps

    def _steps(self, documents: Items[StepDocument], nodes: Items[Node]) -> list[Step]:
        steps: list[Step] = []
        now = 0.0
        for document, node in zip(documents, nodes, strict=True):
            assert isinstance(node, Mapping)
            fields = self._fields_of(document, node, "this step")
            if document.at is not None and document.at < now:
                message = f"this step is at {document.at}s, before the one above it at {now:.0f}s"
                self.source.refuse(place(node, ("at",)), "sequence-order", message, "write the steps in the order of their times")
            now = max(now, document.at or 0.0)
            steps.append(Step(now, fields or {}, document.times, document.expect))
        return steps

    def _check_expectation(self, model: RuleTestDocument, item: Mapping) -> None:
        assert model.sequence
        last = model.sequence[-1].expect
        if model.expect is None and last is None:
            self.source.refuse(item.mark, "missing-key", "`expect` is missing", "say what the last step gets")
        elif model.expect is not None and last is not None:
            message = "the last step has an `expect`, and so has the test: they mean the same request"
            self.source.refuse(place(item, ("expect",), of_key=True), "test-expect-twice", message, "remove one")

    def look_at_fields(self, item: Mapping) -> None:
        """Reads the fields of a test that has other mistakes, for the mistakes in them."""
        fields = item.get(self.kind)
        if fields is not None:
            self._fields(fields)

    def _fields_of(self, model: RuleTestDocument | StepDocument, item: Mapping, called: str) -> Fields | None:
        """The fields under ``request`` or ``record``, whichever the rule reads; None when they are not there, or both are."""
        fields = item.get(self.kind)
        values = self._fields(fields) if fields is not None else None
        what = "a rule over windows is tested by `record:`" if self.kind == "record" else "a rule over requests is tested by `request:`"
        if values is None:
            self.source.refuse(item.mark, "test-kind", f"{what}, which {called} lacks")
        elif model.request is not None and model.record is not None:
            self.source.refuse(item.mark, "test-kind", f"{what} alone")
            return None
        return values

    def _fields(self, node: Node, prefix: str = "") -> dict[str, Value]:
        found: dict[str, Value] = {}
        if not isinstance(node, Mapping):
            return found
        for key, value in node:
            name = prefix + key.value
            if isinstance(value, Mapping):
                found.update(self._fields(value, name + "."))
                continue
            if name in COLLECTIONS and isinstance(value, Sequence):
                found.update(self._members(value, name))
                continue
            if self.check_fields and known(name) is None:
                self.source.refuse(key.mark, "unknown-field", f"no request has a field `{name}`", suggest_field(name))
            if isinstance(value, Sequence):
                found[name] = tuple(self._scalar(item) for item in value.items)
            else:
                found[name] = self._scalar(value)
        return found

    def _members(self, node: Sequence, collection: str) -> dict[str, Value]:
        """A collection written as a list of maps: aligned values, null where a member lacks one."""
        members: list[dict[str, Value]] = []
        for item in node.items:
            if not isinstance(item, Mapping):
                self.source.refuse(item.mark, "value-shape", f"a member of `{collection}` is a map, such as {{{_shown(collection)}}}")
                continue
            members.append(self._fields(item, collection + "."))
        names = dict.fromkeys(name for member in members for name in member)
        found: dict[str, Value] = {}
        for name in names:
            values = [member.get(name) for member in members]
            found[name] = tuple(None if isinstance(value, tuple) else value for value in values)
        return found

    def _scalar(self, node: Node) -> FieldScalar:
        if isinstance(node, Scalar):
            check_reading(node, self.source, True)
            return value_of(node)
        self.source.refuse(node.mark, "value-shape", "a field holds text, a number, true, false or null, or a list of these")
        return None


def _shown(collection: str) -> str:
    return ", ".join(f"{name}: …" for name in list(COLLECTIONS[collection])[:2])


def suggest_field(name: str) -> str:
    """A hint for a name that no request has."""
    return did_you_mean(name, [*REQUEST_FIELDS, *(f"{family}…" for family in FIELD_FAMILIES)], cutoff=0.6)
