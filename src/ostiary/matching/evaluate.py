"""Evaluator: a Ruleset's detection rules as functions, compiled once, asked for each request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from ostiary.matching.leaves import compile_leaf, needs_facts
from ostiary.matching.merge import AnyGlob, AnyRegex, merged
from ostiary.matching.subject import Subject
from ostiary.matching.truth import Answer, Truth, connect, leaves_of
from ostiary.vocabulary.plan import Leaf, Plan
from ostiary.vocabulary.request import Fields
from ostiary.vocabulary.rule import Category, Ruleset, Signal

_MARKS: Mapping[Truth, str] = {True: "1", False: "0", None: "?"}
_UNKNOWN = _MARKS[None]
_TRUTHS: Mapping[str, Truth] = {mark: truth for truth, mark in _MARKS.items()}


class _Rule:
    """One rule's plan as functions: over a Subject with short cuts, and, once a Signal needs it, leaf by leaf."""

    __slots__ = ("_leaf_by_leaf", "_plan", "index", "over_subject")

    def __init__(self, index: int, plan: Plan) -> None:
        self.index = index
        self.over_subject: Answer[Subject] = connect(cast(Plan, merged(plan)), _answer)
        self._plan = plan
        self._leaf_by_leaf: _LeafByLeaf | None = None

    @property
    def leaf_by_leaf(self) -> _LeafByLeaf:
        if self._leaf_by_leaf is None:
            self._leaf_by_leaf = _LeafByLeaf.of(self._plan)
        return self._leaf_by_leaf


@dataclass(frozen=True, slots=True)
class _LeafByLeaf:
    """``leaves``: the function of each, in order of appearance. ``over_truths``: the plan over what they said."""

    leaves: tuple[Answer[Subject], ...]
    over_truths: Answer[Sequence[Truth]]

    @staticmethod
    def of(plan: Plan) -> _LeafByLeaf:
        leaves = [_answer(leaf) for leaf in leaves_of(plan)]
        positions = iter(range(len(leaves)))
        return _LeafByLeaf(tuple(leaves), connect(plan, lambda _: _said(next(positions))))


def _said(position: int) -> Answer[Sequence[Truth]]:
    return lambda truths: truths[position]


def _answer(leaf: Leaf | AnyGlob | AnyRegex) -> Answer[Subject]:
    check = compile_leaf(leaf)
    if not needs_facts(leaf):
        return check
    return lambda subject: None if subject.facts is None else check(subject)


class Evaluator:
    """Which rules match.

    Rules of every category are evaluated but ``foreign`` ones, which need ``foreign=True``; or those of ``categories`` alone.
    Correlations are not: they are counts, and ``judgement`` decides them. ``evaluate`` may be called from several threads.
    """

    def __init__(self, ruleset: Ruleset, foreign: bool = False, *, categories: Collection[Category] | None = None) -> None:
        self.ruleset = ruleset
        wanted = set(get_args(Category)) - (set() if foreign else {"foreign"}) if categories is None else set(categories)
        self._rules = [_Rule(rule.index, rule.plan) for rule in ruleset.rules if rule.plan is not None and rule.category in wanted]
        self._by_index = {rule.index: rule for rule in self._rules}

    def evaluate(self, fields: Fields, facts: Fields | None = None) -> tuple[Signal, ...]:
        """The Signals of some fields, in the order of the Ruleset's rules.

        With ``facts`` None, what ``account.*`` holds is unknown: a rule that it decides gives a Signal with ``leaves``, to be
        settled. With a mapping, a fact that it lacks is an absent field. Facts are read from ``facts`` alone, never from ``fields``.
        """
        subject = Subject(fields, facts)
        signals = []
        for rule in self._rules:
            truth = rule.over_subject(subject)
            if truth:
                signals.append(Signal(rule.index))
            elif truth is None:
                signals.append(Signal(rule.index, "".join([_MARKS[leaf(subject)] for leaf in rule.leaf_by_leaf.leaves])))
        return tuple(signals)

    def settle(self, signal: Signal, facts: Fields) -> bool:
        """Whether a Signal holds, now that the account's facts are there. Needs the Signal and the facts, not the request.

        Raises ``ValueError`` when the Signal is of another Ruleset: an unknown rule, or another number of leaves.
        """
        if signal.leaves is None:
            return True
        rule = self._by_index.get(signal.rule)
        known = rule.leaf_by_leaf if rule is not None else None
        if known is None or len(signal.leaves) != len(known.leaves) or not set(signal.leaves) <= set(_TRUTHS):
            raise ValueError(f"signal of rule {signal.rule} with leaves {signal.leaves!r} is of another Ruleset")
        subject = Subject({}, facts)
        truths = [leaf(subject) if mark == _UNKNOWN else _TRUTHS[mark] for mark, leaf in zip(signal.leaves, known.leaves, strict=True)]
        return bool(known.over_truths(truths))

    def truths(self, rule: int, fields: Fields, facts: Fields) -> tuple[bool, ...]:
        """What each leaf of a rule's plan says, in order of appearance; ``KeyError`` for a rule that is not evaluated here."""
        subject = Subject(fields, facts)
        return tuple(bool(leaf(subject)) for leaf in self._by_index[rule].leaf_by_leaf.leaves)

    def holds(self, rule: int, truths: Sequence[bool]) -> bool:
        """Whether a rule's plan would hold if its leaves said ``truths``: what a lookalike is found with."""
        return bool(self._by_index[rule].leaf_by_leaf.over_truths(truths))
