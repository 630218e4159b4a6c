"""Why a rule matches some fields, or does not: the evaluation of ``evaluate``, leaf by leaf, with a recorder and no short cuts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ostiary.matching.leaves import compile_leaf, leaf_fields, needs_facts
from ostiary.matching.seen import Seen, values_seen
from ostiary.matching.subject import Subject
from ostiary.matching.truth import Truth, join
from ostiary.vocabulary.plan import All, Constant, Leaf, Member, Not, Plan, Some
from ostiary.vocabulary.request import Fields
from ostiary.vocabulary.rule import Correlation, Rule, Ruleset


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a plan, and what came of it. ``truth`` None: only the account's facts, which are not there, decide it."""

    plan: Plan
    truth: Truth
    children: tuple[Node, ...] = ()
    """Of ``All``, ``Some`` and ``Not`` what they join. Of a ``Member`` its block, asked of each member of the collection in turn."""
    seen: tuple[Seen, ...] = ()
    """The values that a leaf read."""
    absent: tuple[str, ...] = ()
    """The fields that a leaf asks for and that are not there."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of a detection its tree. Of a correlation the explanations of its rules: counts are decided over time, not over one event."""

    rule: Rule
    truth: Truth
    """Whether the rule matches; None while facts decide it, and for a correlation."""
    root: Node | None = None
    correlation: Correlation | None = None
    rules: tuple[Explanation, ...] = ()
    groups: tuple[tuple[str, bool], ...] = ()
    """Of a correlation: its group-by fields, and whether this event has them; without them it is not counted."""


def explain(ruleset: Ruleset, rule_index: int, fields: Fields, facts: Fields | None = None) -> Explanation:
    """Why a rule of a Ruleset matches some fields, or does not.

    ``facts`` as for ``Evaluator.evaluate``: None while they are unknown. No value of a field that holds a credential is in what is
    returned. Raises ``IndexError`` for a rule that is not in the Ruleset.
    """
    return _explained(ruleset, rule_index, Subject(fields, facts))


def _explained(ruleset: Ruleset, index: int, subject: Subject) -> Explanation:
    rule = ruleset.rules[index]
    if rule.plan is not None:
        root = recorded(rule.plan, subject)
        return Explanation(rule, root.truth, root)
    # INVARIANT: the language refuses correlations that refer to themselves, however far around.
    assert rule.correlation is not None
    rules = tuple(_explained(ruleset, referred, subject) for referred in rule.correlation.rules)
    groups = tuple((name, _has_group(rule.correlation, name, subject)) for name in rule.correlation.group_by)
    return Explanation(rule, None, None, rule.correlation, rules, groups)


def _has_group(correlation: Correlation, name: str, subject: Subject) -> bool:
    aliased = dict(correlation.aliases).get(name)
    names = [field for _, field in aliased] if aliased is not None else [name]
    return any(value is not None for field in names for value in subject.values(field))


def recorded(plan: Plan, subject: Subject) -> Node:
    """A plan's tree over a Subject, every node of it."""
    if isinstance(plan, (All, Some)):
        children = tuple(recorded(child, subject) for child in plan.children)
    elif isinstance(plan, Not):
        children = (recorded(plan.child, subject),)
    elif isinstance(plan, Constant):
        children = ()
    else:
        return _leaf(plan, subject)
    # The connectives are those of evaluation, over what the children came to.
    truth = join(plan, [partial(_truth_of, child) for child in children])(subject)
    return Node(plan, truth, children)


def _truth_of(node: Node, _: Subject) -> Truth:
    return node.truth


def _leaf(leaf: Leaf, subject: Subject) -> Node:
    absent = tuple(name for name in leaf_fields(leaf) if not subject.present(name))
    if isinstance(leaf, Member):
        members = tuple(recorded(leaf.plan, member) for member in subject.members(leaf.collection))
        return Node(leaf, compile_leaf(leaf)(subject), members, (), absent)
    if needs_facts(leaf) and subject.facts is None:
        return Node(leaf, None)
    return Node(leaf, compile_leaf(leaf)(subject), (), tuple(values_seen(leaf, subject)), absent)
