"""Coverage of rules by their tests: which questions of a condition no test decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ostiary.language.compile import Compiled
from ostiary.local.leaf_text import Pages, Written
from ostiary.local.questions import Examples, one_by_one, questions_of
from ostiary.vocabulary.rule import Rule


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one rule: how many questions its condition asks, and those that no test decides, as the author wrote them."""

    rule: str
    title: str
    tests: int
    leaves: int
    undecided: tuple[Written, ...]

    @property
    def percent(self) -> float:
        """Decided questions of all; 100 where nothing is asked."""
        return percent(self.leaves - len(self.undecided), self.leaves)


def coverage(compiled: Compiled, *, values: bool = False) -> Iterator[Coverage]:
    """Of each rule with a detection, what its tests decide; nothing when the rules have mistakes.

    A test decides a question when another answer to it alone would change whether the rule matches one of the test's requests
    (the "unique cause" of modified condition/decision coverage, RTCA DO-178C). The values of one list are one question, unless
    ``values``. Tests of a correlation count for the rules that it names: they match, or do not, because of them.
    """
    if compiled.ruleset is None:
        return
    examples = Examples(compiled)
    pages = Pages()
    for rule in compiled.ruleset.rules:
        if rule.plan is not None:
            yield _coverage(rule, examples, pages, values=values)


def _coverage(rule: Rule, examples: Examples, pages: Pages, *, values: bool) -> Coverage:
    assert rule.plan is not None
    tests = examples.of(rule)
    plan = one_by_one(rule.plan) if values else rule.plan
    before = examples.outcomes(rule, plan, tests)
    questions = questions_of(plan)
    path = examples.file_of(rule)
    undecided = [
        pages.find(rule, path, question.leaves)
        for question in questions
        if all(examples.outcomes(rule, question.answered(plan, answer), tests) == before for answer in (True, False))
    ]
    own = sum(1 for test in tests if test.rule == rule.id)
    return Coverage(rule.id, rule.title, own, len(questions), tuple(undecided))


def percent(part: int, whole: int) -> float:
    """A share in percent, rounded down to tenths, so that 100 means all.

    >>> percent(1999, 2000), percent(3, 3), percent(0, 0)
    (99.9, 100.0, 100.0)
    """
    return part * 1000 // whole / 10 if whole else 100.0


def coverage_summary(found: Iterable[Coverage]) -> dict[str, object]:
    """What ``ostiary test --coverage --format json`` adds: ``leaves``, ``decided``, ``percent`` and, of each rule, the undecided."""
    rules = list(found)
    leaves = sum(rule.leaves for rule in rules)
    decided = leaves - sum(len(rule.undecided) for rule in rules)
    shown = [
        {
            "rule": rule.rule,
            "title": rule.title,
            "tests": rule.tests,
            "leaves": rule.leaves,
            "percent": rule.percent,
            "undecided": [{"leaf": leaf.text, "position": str(leaf.position) if leaf.position else None} for leaf in rule.undecided],
        }
        for rule in rules
    ]
    return {"leaves": leaves, "decided": decided, "percent": percent(decided, leaves), "rules": shown}
