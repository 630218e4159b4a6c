"""Mutation of rules: each is changed a little, and a test should notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ostiary.language.compile import Compiled, RuleTest
from ostiary.language.mistake import Position
from ostiary.local.coverage import percent
from ostiary.local.leaf_text import Pages, written
from ostiary.local.questions import Examples, changed, connectives, one_by_one, questions_of
from ostiary.local.rule_run import ruleset_of, run_test
from ostiary.vocabulary.plan import All, Leaf, Member, Not, Plan, Some
from ostiary.vocabulary.rule import Correlation, Expression, Rule, Ruleset


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of a rule. ``noticed_by``: the name of the first test that fails with it; None: it survives."""

    rule: str
    title: str
    change: str
    position: Position | None
    noticed_by: str | None


@dataclass(frozen=True, slots=True)
class _Change:
    what: str
    position: Position | None
    rule: Rule


def mutants(compiled: Compiled, *, values: bool = False) -> Iterator[Mutant]:
    """Changes each rule in every small way, one at a time, and says whether a test notices; nothing when the rules have mistakes.

    Each question of a condition is answered always with yes, and always with no; ``and`` and ``or`` change places; ``not`` is
    dropped; a limit's ``max`` and a correlation's numbers move by one; a temporal correlation loses each of its rules in turn.
    The values of one list are one question, unless ``values``. A test notices when what it gets is no longer what it expects.
    Tests must pass before; a rule without tests (its own, or of a correlation that names it) has only survivors.
    """
    if compiled.ruleset is None:
        return
    notary = _Notary(compiled, compiled.ruleset)
    pages = Pages()
    for rule in compiled.ruleset.rules:
        tests = notary.examples.of(rule)
        path = notary.examples.file_of(rule)
        for change in _changes(rule, compiled.ruleset.rules, pages, path, values=values):
            yield Mutant(rule.id, rule.title, change.what, change.position, notary.noticed_by(rule, change.rule, tests))


class _Notary:
    """Says which test notices a change. A test whose requests match as before cannot, and is not run."""

    def __init__(self, compiled: Compiled, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self.examples = Examples(compiled)

    def noticed_by(self, before: Rule, after: Rule, tests: Sequence[RuleTest]) -> str | None:
        able = tests
        if before.plan is not None and after.plan is not None and before.limit == after.limit:
            old = self.examples.outcomes(before, before.plan, tests)
            new = self.examples.outcomes(before, after.plan, tests)
            able = [test for test, was, is_now in zip(tests, old, new, strict=True) if was != is_now]
        if not able:
            return None
        rules = list(self._ruleset.rules)
        rules[before.index] = after
        ruleset = replace(self._ruleset, rules=tuple(rules))
        return next((test.name for test in able if not run_test(test, ruleset_of(ruleset, test.rule)).ok), None)


def _changes(rule: Rule, rules: Sequence[Rule], pages: Pages, path: str | None, *, values: bool) -> Iterator[_Change]:
    if rule.plan is not None:
        yield from _of_plan(rule, rule.plan, pages, path, values=values)
    if rule.limit is not None:
        for number in (rule.limit.max - 1, rule.limit.max + 1):
            yield _Change(f"`max: {number}` for {rule.limit.max}", None, replace(rule, limit=replace(rule.limit, max=number)))
    if rule.correlation is not None:
        yield from _of_correlation(rule, rule.correlation, rules, values=values)


def _of_plan(rule: Rule, plan: Plan, pages: Pages, path: str | None, *, values: bool) -> Iterator[_Change]:
    asked = one_by_one(plan) if values else plan
    for question in questions_of(asked):
        place = pages.find(rule, path, question.leaves)
        for answer in (True, False):
            what = f"`{place.text}` {'always' if answer else 'never'} holds"
            yield _Change(what, place.position, replace(rule, plan=question.answered(asked, answer)))
    for at, node in connectives(plan):
        yield _Change(_swap_in_words(node), None, replace(rule, plan=changed(plan, at, _swapped)))


def _swapped(node: Plan) -> Plan:
    match node:
        case All(children):
            return Some(children)
        case Some(children):
            return All(children)
        case Not(child):
            return child
        case _:
            raise AssertionError("only connectives are swapped")


def _swap_in_words(node: All | Some | Not) -> str:
    if isinstance(node, Not):
        return f"`not {_brief(node.child)}` without `not`"
    word, other = ("and", "or") if isinstance(node, All) else ("or", "and")
    return f"`{other}` for `{word}` between " + ", ".join(f"`{_brief(child)}`" for child in node.children[:3])


def _brief(plan: Plan) -> str:
    """A part of a plan by its first leaf."""
    match plan:
        case All(children) | Some(children) if len(children) > 1:
            return f"{_brief(children[0])} …"
        case All(children) | Some(children) if children:
            return _brief(children[0])
        case Not(child):
            return f"not {_brief(child)}"
        case Member(collection, inner):
            return f"{collection}[] {_brief(inner)}"
        case _:
            return written(plan) if isinstance(plan, Leaf) else "…"


def _of_correlation(rule: Rule, correlation: Correlation, rules: Sequence[Rule], *, values: bool) -> Iterator[_Change]:
    for index, (operator, number) in enumerate(correlation.conditions):
        for moved in (number - 1, number + 1):
            if moved < 0:
                continue
            conditions = (*correlation.conditions[:index], (operator, moved), *correlation.conditions[index + 1 :])
            what = f"`{operator}: {moved:g}` for {number:g}"
            yield _Change(what, None, replace(rule, correlation=replace(correlation, conditions=conditions)))
    # What counts the matches of any of its rules has them as a list of values.
    together = correlation.type.startswith("temporal")
    if correlation.expression is None and len(correlation.rules) > 1 and (together or values):
        for index in correlation.rules:
            what = f"without rule `{rules[index].name or rules[index].title}`"
            yield _Change(what, None, replace(rule, correlation=_without(correlation, index)))
    if correlation.expression is not None:
        for what, expression in _of_expression(correlation.expression):
            yield _Change(what, None, replace(rule, correlation=replace(correlation, expression=expression)))


def _without(correlation: Correlation, dropped: int) -> Correlation:
    return replace(
        correlation,
        rules=tuple(index for index in correlation.rules if index != dropped),
        aliases=tuple((name, tuple(pair for pair in fields if pair[0] != dropped)) for name, fields in correlation.aliases),
    )


def _of_expression(expression: Expression) -> Iterator[tuple[str, Expression]]:
    if expression.word == "not":
        yield "a `not` of the condition dropped", expression.children[0]
    elif expression.word in ("and", "or") and len(expression.children) > 1:
        word: str = expression.word
        yield (
            f"`{'or' if word == 'and' else 'and'}` for `{word}` in the condition",
            replace(expression, word="or" if expression.word == "and" else "and"),
        )
    for index, child in enumerate(expression.children):
        for what, changed_child in _of_expression(child):
            children = (*expression.children[:index], changed_child, *expression.children[index + 1 :])
            yield what, replace(expression, children=children)


def mutation_summary(found: Iterable[Mutant]) -> dict[str, object]:
    """What ``ostiary test --mutate --format json`` adds: ``mutants``, ``noticed``, ``percent`` and the survivors."""
    all_of_them = list(found)
    survivors = [mutant for mutant in all_of_them if mutant.noticed_by is None]
    shown = [
        {
            "rule": mutant.rule,
            "title": mutant.title,
            "change": mutant.change,
            "position": str(mutant.position) if mutant.position else None,
        }
        for mutant in survivors
    ]
    noticed = len(all_of_them) - len(survivors)
    return {"mutants": len(all_of_them), "noticed": noticed, "percent": percent(noticed, len(all_of_them)), "survivors": shown}
