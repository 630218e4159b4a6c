"""Questions: what a rule's condition asks, each of which may be answered otherwise to see whether that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ostiary.language.compile import Compiled, RuleTest
from ostiary.local.rule_requests import requests_of
from ostiary.local.rule_run import referred
from ostiary.matching.evaluate import Evaluator
from ostiary.matching.leaves import leaf_fields
from ostiary.vocabulary.plan import All, Constant, Equals, Leaf, Member, Network, Not, Plan, Some
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.rule import Rule, Ruleset

Path = tuple[int, ...]
"""Which child to take from node to node; a ``Not`` and a ``Member`` have one, 0."""


MAX_VALUES = 200
"""Values of a list that are looked at one by one, where that is asked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """One leaf of a plan; or the leaves of a list of values of one field, any of which may hold: those are one question.

    What stands in a plan more than once is one question with several ``paths``: it is one fact about the request.
    """

    leaves: tuple[Leaf, ...]
    paths: tuple[Path, ...]

    def answered(self, plan: Plan, answer: bool) -> Plan:
        """The plan with this question always answered alike."""
        return _answered(plan, frozenset(self.paths), (), Constant(answer))


def _answered(plan: Plan, paths: frozenset[Path], here: Path, answer: Constant) -> Plan:
    if here in paths:
        return answer
    match plan:
        case All(children) | Some(children):
            return replace(plan, children=tuple(_answered(child, paths, (*here, index), answer) for index, child in enumerate(children)))
        case Not(child):
            return Not(_answered(child, paths, (*here, 0), answer))
        case Member(collection, inner):
            return Member(collection, _answered(inner, paths, (*here, 0), answer))
        case _:
            return plan


def questions_of(plan: Plan) -> list[Question]:
    """The questions of a plan, in order of appearance. Leaves within a block on one member are questions of their own."""
    found: dict[tuple[Leaf, ...], list[Path]] = {}
    for leaves, paths in _walk(plan, ()):
        found.setdefault(leaves, []).extend(paths)
    return [Question(leaves, tuple(paths)) for leaves, paths in found.items()]


def one_by_one(plan: Plan) -> Plan:
    """The plan with every value a leaf of its own, wrapped so that ``questions_of`` keeps them apart.

    A list of more than ``MAX_VALUES`` values stays one question: it is data, and each value costs a run of every test.
    """
    match plan:
        case All(children):
            return All(tuple(map(one_by_one, children)))
        case Some(children) if len(children) <= MAX_VALUES:
            return Some(tuple(All((one_by_one(child),)) for child in children))
        case Not(child):
            return Not(one_by_one(child))
        case Member(collection, inner):
            return Member(collection, one_by_one(inner))
        case Equals(field, values) if 1 < len(values) <= MAX_VALUES:
            return Some(tuple(All((replace(plan, values=(value,)),)) for value in values))
        case Network(field, networks) if 1 < len(networks) <= MAX_VALUES:
            return Some(tuple(All((Network(field, (network,)),)) for network in networks))
        case _:
            return plan


def changed(plan: Plan, path: Path, change: Callable[[Plan], Plan]) -> Plan:
    """The plan with the node at a path changed."""
    if not path:
        return change(plan)
    first, rest = path[0], path[1:]
    match plan:
        case All(children) | Some(children):
            new = tuple(changed(child, rest, change) if index == first else child for index, child in enumerate(children))
            return replace(plan, children=new)
        case Not(child):
            return Not(changed(child, rest, change))
        case Member(collection, inner):
            return Member(collection, changed(inner, rest, change))
        case _:
            raise AssertionError(f"no node at {path}")


def connectives(plan: Plan, path: Path = ()) -> Iterator[tuple[Path, All | Some | Not]]:
    """Every ``and``, ``or`` and ``not``, with where it stands; a list of values is none."""
    match plan:
        case All(children) | Some(children):
            if len(children) > 1 and not (isinstance(plan, Some) and len(_lists(plan)) == 1):
                yield path, plan
            for index, child in enumerate(children):
                yield from connectives(child, (*path, index))
        case Not(child):
            yield path, plan
            yield from connectives(child, (*path, 0))
        case Member(_, inner):
            yield from connectives(inner, (*path, 0))


def _walk(plan: Plan, path: Path) -> Iterator[tuple[tuple[Leaf, ...], list[Path]]]:
    match plan:
        case All(children):
            for index, child in enumerate(children):
                yield from _walk(child, (*path, index))
        case Some():
            for indexes in _lists(plan):
                paths = [(*path, index) for index in indexes]
                if len(indexes) == 1:
                    yield from _walk(plan.children[indexes[0]], paths[0])
                else:
                    yield tuple(leaf for index in indexes if isinstance(leaf := plan.children[index], Leaf)), paths
        case Not(child):
            yield from _walk(child, (*path, 0))
        case Member(_, inner):
            yield from _walk(inner, (*path, 0))
        case Constant():
            return
        case _:
            yield (plan,), [path]


def _lists(plan: Some) -> list[list[int]]:
    """The children of an ``or``, those that are leaves about the same field together: values of a list."""
    lists: dict[object, list[int]] = {}
    for index, child in enumerate(plan.children):
        plain = not isinstance(child, (All, Some, Not, Constant, Member))
        key: object = ("field", leaf_fields(child)) if plain else index  # type: ignore[arg-type]
        lists.setdefault(key, []).append(index)
    return list(lists.values())


class Examples:
    """The tests that say something about a rule: its own, and those of the correlations that name it."""

    def __init__(self, compiled: Compiled) -> None:
        self._about: dict[str, list[RuleTest]] = {}
        self._requests: dict[int, tuple[Request, ...]] = {}
        ruleset = compiled.linked
        for test in compiled.tests:
            rule = ruleset.by_id[test.rule]
            for index in (*referred(ruleset, rule), rule.index):
                self._about.setdefault(ruleset.rules[index].id, []).append(test)

    def of(self, rule: Rule) -> Sequence[RuleTest]:
        """The tests that evaluate a rule."""
        return self._about.get(rule.id, ())

    def file_of(self, rule: Rule) -> str | None:
        """Where a rule's tests are, and so most likely the rule: a file of its own tests, else of a correlation's that names it."""
        tests = self.of(rule)
        return next((test.position.path for test in (*(own for own in tests if own.rule == rule.id), *tests)), None)

    def outcomes(self, rule: Rule, plan: Plan, tests: Sequence[RuleTest]) -> list[tuple[bool, ...]]:
        """Of each test, which of its steps match a plan in the place of the rule's."""
        if not tests:
            return []
        one = replace(rule, index=0, plan=plan, category="request")
        evaluator = Evaluator(Ruleset((one,)))
        return [tuple(self._holds(evaluator, request) for request in self._requests_of(test)) for test in tests]

    def _holds(self, evaluator: Evaluator, request: Request) -> bool:
        return bool(evaluator.evaluate(request.fields, {**request.fields, **request.facts}))

    def _requests_of(self, test: RuleTest) -> tuple[Request, ...]:
        if id(test) not in self._requests:
            self._requests[id(test)] = requests_of(test)
        return self._requests[id(test)]
