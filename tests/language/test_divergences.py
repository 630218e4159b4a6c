"""Where pySigma 2.0.1 and the Sigma specification differ: what each of these 23 means here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostiary.language.compile import Compiled

Compile = Callable[..., Compiled]

WEB = "title: T\nlogsource: {{category: webserver}}\ndetection:\n  sel: {}\n  condition: sel\n"
BASE = "title: Base\nname: base\nlogsource: {category: webserver}\ndetection: {sel: {f: x}, condition: sel}\n"
OTHER = BASE.replace("Base", "Other").replace("base", "other")


def count(
    *, kind: str = "event_count", rules: str = "[base]", by: str = "group-by: [a], ", span: str = "5m", rest: str = "condition: {gte: 2}"
) -> str:
    return f"{BASE}---\n{OTHER}---\ntitle: C\nname: c\ncorrelation: {{type: {kind}, rules: {rules}, {by}timespan: {span}, {rest}}}\n"


LOADS, REFUSED = "loads", "refused"
DIVERGENCES: list[tuple[int, str, str, str, str]] = [
    (1, "utf16le before base64 is rejected by pySigma", WEB.format("{f|utf16le|base64: x}"), LOADS, ""),
    (2, "a range of two operators is rejected by pySigma", count(rest="condition: {gt: 1, lte: 9}"), LOADS, ""),
    (3, "contains on a number is rejected by pySigma", WEB.format("{f|contains: 5}"), LOADS, ""),
    (4, "windash leaves an en dash as it is in pySigma", WEB.format("{f|windash: '–a'}"), LOADS, ""),
    (5, r"\%plain%name% expands `plain` in pySigma, `name` by the specification",
     WEB.format(r"{f|expand: '\%plain%name%'}"), LOADS, "unknown-list"),
    (6, "null in a list is accepted by pySigma", WEB.format("{f: [a, null]}"), REFUSED, "null-in-list"),
    (7, "all on one value is accepted by pySigma", WEB.format("{f|all: a}"), REFUSED, "all-of-one"),
    (8, "look-around is up to pySigma's policy", WEB.format("{f|re: '(?=x)y'}"), REFUSED, "expression-look-around"),
    (9, "plain scalars are read by YAML 1.1 in pySigma", WEB.format("{f: yes, g: 010, h: 12:30:00}"), LOADS, "ambiguous-scalar"),
    (10, "a correlation without group-by is accepted by pySigma", count(by=""), REFUSED, "missing-key"),
    (11, "a timespan of months is accepted by pySigma", count(span="1M"), REFUSED, "bad-value"),
    (12, "an alias for an unknown rule is accepted by pySigma",
     count(rest="condition: {gte: 2}, aliases: {a: {base: x, no: y}}"), REFUSED, "alias-rule"),
    (13, "generate at the top level is ignored by pySigma", count() + "generate: true\n", LOADS, ""),
    (14, "a rule twice in `rules` is accepted by pySigma", count(kind="temporal", rules="[base, base]"), REFUSED, "bad-value"),
    (15, "temporal without rules is accepted by pySigma", count(kind="temporal").replace("rules: [base], ", ""), REFUSED, "missing-key"),
    (16, "a correlation of itself is accepted by pySigma", count(rules="[c]"), REFUSED, "correlation-cycle"),
    (17, "timeframe becomes a selection in pySigma", WEB.format("{f: x}\n  timeframe: 5m"), REFUSED, "timeframe"),
    (18, "an unknown key under correlation is ignored by pySigma",
     count(rest="condition: {gte: 2}, group_by: [b]"), REFUSED, "unknown-key"),
    (19, "the last of equal keys wins in pySigma's collections", WEB.format("{f: x, f: y}"), REFUSED, "duplicate-key"),
    (20, "action: global overrides a rule's own keys in pySigma", "action: global\nlevel: low\n---\n" + BASE, REFUSED, "collection-action"),
    (21, "a level in capitals is accepted by pySigma", BASE + "level: HIGH\n", LOADS, "letter-case"),
    (22, "flags are rewritten by pySigma: re|i to re|ignorecase", WEB.format("{f|re|ignorecase: x}"), LOADS, ""),
    (23, "an id that is no UUID is rejected by pySigma", BASE + "id: my-rule\n", LOADS, ""),
]  # fmt: skip


@pytest.mark.parametrize(("number", "what", "text", "outcome", "kind"), DIVERGENCES, ids=[f"{row[0]}" for row in DIVERGENCES])
def test_a_divergence_has_one_outcome(compiled: Compile, number: int, what: str, text: str, outcome: str, kind: str) -> None:
    done = compiled(text, foreign_fields=True)
    if outcome == REFUSED:
        assert [mistake.kind for mistake in done.mistakes] == [kind], what
    else:
        assert not done.mistakes, what
        assert {warning.kind for warning in done.warnings} == ({kind} if kind else set()), what


def test_all_of_them_are_here() -> None:
    assert [number for number, *_ in DIVERGENCES] == list(range(1, 24))


def test_a_month_in_the_timespan_is_explained(compiled: Compile) -> None:
    assert "months and years differ in length" in compiled(count(span="1M")).mistakes[0].message


def test_the_same_forms_are_mistakes_in_our_own_rules(compiled: Compile) -> None:
    text = WEB.format("{url.path: yes}").replace("category: webserver", "product: ostiary, category: request")
    assert [mistake.kind for mistake in compiled(text).mistakes] == ["ambiguous-scalar"]


def test_generate_at_the_top_level_says_what_it_says_below(compiled: Compile) -> None:
    for text in (count() + "generate: false\n", count(rest="condition: {gte: 2}, generate: false")):
        done = compiled(text, foreign_fields=True)
        assert done.ruleset is not None
        assert [rule.generate for rule in done.ruleset.rules] == [False, True, True]
