"""A plan's connectives as functions, whatever its leaves are answered from. Three-valued: None is unknown (Kleene)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ostiary.vocabulary.plan import All, Constant, Leaf, Not, Plan, Some

T = TypeVar("T")
Truth = bool | None
Answer = Callable[[T], Truth]


def leaves_of(plan: Plan) -> Iterator[Leaf]:
    """The plan's leaves in order of appearance: depth first, left to right; the same leaf twice is two leaves."""
    if isinstance(plan, (All, Some)):
        for child in plan.children:
            yield from leaves_of(child)
    elif isinstance(plan, Not):
        yield from leaves_of(plan.child)
    elif not isinstance(plan, Constant):
        yield plan


def connect(plan: Plan, leaf: Callable[[Leaf], Answer[T]]) -> Answer[T]:
    """One function for the whole plan; ``leaf`` is called once for each leaf, in order of appearance, and makes its function."""
    if isinstance(plan, (All, Some)):
        return join(plan, [connect(child, leaf) for child in plan.children])
    if isinstance(plan, Not):
        return join(plan, [connect(plan.child, leaf)])
    return join(plan, []) if isinstance(plan, Constant) else leaf(plan)


def join(plan: All | Some | Not | Constant, answers: list[Answer[T]]) -> Answer[T]:
    """One connective over what its children answer."""
    if isinstance(plan, All):
        return _all(answers)
    if isinstance(plan, Some):
        return _some(answers)
    if isinstance(plan, Not):
        return _not(answers[0])
    value = plan.value
    return lambda source: value


def _all(answers: list[Answer[T]]) -> Answer[T]:
    if len(answers) == 1:
        return answers[0]

    def every(source: T) -> Truth:
        result: Truth = True
        for answer in answers:
            truth = answer(source)
            if not truth:
                if truth is not None:
                    return False
                result = None
        return result

    return every


def _some(answers: list[Answer[T]]) -> Answer[T]:
    if len(answers) == 1:
        return answers[0]

    def some(source: T) -> Truth:
        result: Truth = False
        for answer in answers:
            truth = answer(source)
            if truth:
                return True
            if truth is None:
                result = None
        return result

    return some


def _not(answer: Answer[T]) -> Answer[T]:
    def negated(source: T) -> Truth:
        truth = answer(source)
        return None if truth is None else not truth

    return negated
