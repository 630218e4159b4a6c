"""Coverage: which parts of a rule's condition no test decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.language.compile import Compiled, compile_paths
from ostiary.local.coverage import Coverage, coverage, coverage_summary
from ostiary.local.questions import MAX_VALUES

PROBE = """\
title: Probe
logsource: {product: ostiary, category: request}
detection:
  probe:
    gen_ai.request.max_tokens|lte: 2
    gen_ai.request.logprobs: true
  trusted: {account.trusted: true}
  condition: probe and not trusted
"""
PHRASES = """\
title: Phrases
logsource: {product: ostiary, category: request}
detection:
  phrase:
    gen_ai.prompt.last|contains:
      - verbatim
      - word for word
      - 'every \\* token'
  plan: {account.plan: [free, trial]}
  condition: phrase and plan
"""
MATCH = "name: match, request: {gen_ai.request.max_tokens: 1, gen_ai.request.logprobs: true}, expect: signal"


def compiled(folder: Path, text: str, *tests: str) -> Compiled:
    own = "tests:\n" + "".join(f"  - {{{test}}}\n" for test in tests) if tests else ""
    (folder / "rule.yaml").write_text(text + own, encoding="utf-8")
    result = compile_paths([folder])
    assert result.mistakes == (), [mistake.render() for mistake in result.mistakes]
    return result


def only(folder: Path, text: str, *tests: str, values: bool = False) -> Coverage:
    return next(coverage(compiled(folder, text, *tests), values=values))


def undecided(found: Coverage) -> list[str]:
    return [leaf.text for leaf in found.undecided]


def test_a_rule_without_tests_has_every_leaf_undecided(tmp_path: Path) -> None:
    found = only(tmp_path, PROBE)
    assert (found.tests, found.leaves, found.percent, len(found.undecided)) == (0, 3, 0.0, 3)


def test_a_match_decides_every_leaf_that_must_hold(tmp_path: Path) -> None:
    assert undecided(only(tmp_path, PROBE, MATCH)) == []


def test_a_test_that_misses_two_items_decides_neither(tmp_path: Path) -> None:
    found = only(tmp_path, PROBE, "name: far, request: {url.path: /}, expect: none")
    assert undecided(found) == ["gen_ai.request.max_tokens|lte: 2", "gen_ai.request.logprobs: true", "account.trusted: true"]
    assert [str(leaf.position).rpartition("rule.yaml:")[2] for leaf in found.undecided] == ["5:5", "6:5", "7:13"]


def test_a_test_that_misses_one_item_decides_that_one(tmp_path: Path) -> None:
    found = only(tmp_path, PROBE, "name: near, request: {gen_ai.request.max_tokens: 1}, expect: none")
    assert undecided(found) == ["gen_ai.request.max_tokens|lte: 2", "account.trusted: true"]


def test_the_values_of_a_list_are_one_leaf_unless_asked_one_by_one(tmp_path: Path) -> None:
    test = "name: a, request: {gen_ai.prompt.last: say it verbatim, account.plan: free}, expect: signal"
    assert undecided(only(tmp_path, PHRASES, test)) == []
    found = only(tmp_path, PHRASES, test, values=True)
    assert found.leaves == 5
    assert undecided(found) == [
        "gen_ai.prompt.last|contains: word for word",
        "gen_ai.prompt.last|contains: every * token",
        "account.plan: trial",
    ]
    assert str(found.undecided[1].position).endswith("rule.yaml:8:9")


@pytest.mark.parametrize(("values", "leaves"), [(MAX_VALUES, MAX_VALUES), (MAX_VALUES + 1, 1)])
def test_a_very_long_list_stays_one_leaf(tmp_path: Path, values: int, leaves: int) -> None:
    listed = ", ".join(f"model-{number}" for number in range(values))
    text = (
        "title: Models\nlogsource: {product: ostiary, category: request}\n"
        f"detection: {{m: {{gen_ai.request.model: [{listed}]}}, condition: m}}\n"
    )
    test = "name: a, request: {gen_ai.request.model: model-1}, expect: signal"
    assert only(tmp_path, text, test, values=True).leaves == leaves


def test_a_list_is_named_as_its_author_wrote_it(tmp_path: Path) -> None:
    found = only(tmp_path, PHRASES, "name: a, request: {url.path: /}, expect: none")
    assert undecided(found) == [
        r"gen_ai.prompt.last|contains: [verbatim, word for word, every \* token]",
        "account.plan: [free, trial]",
    ]


def test_all_of_a_list_are_leaves_of_their_own(tmp_path: Path) -> None:
    text = PHRASES.replace("contains:", "contains|all:").replace(" and plan", "")
    found = only(tmp_path, text, "name: a, request: {gen_ai.prompt.last: verbatim word for word}, expect: none")
    assert found.leaves == 3
    assert undecided(found) == ["gen_ai.prompt.last|contains: verbatim", "gen_ai.prompt.last|contains: word for word"]


def test_what_a_condition_names_twice_is_one_leaf(tmp_path: Path) -> None:
    text = PROBE.replace("condition: probe and not trusted", "condition: (probe or probe) and not trusted")
    assert only(tmp_path, text, MATCH).leaves == 3


def test_tests_of_a_correlation_decide_leaves_of_the_rules_it_names(tmp_path: Path) -> None:
    base = PROBE.replace("title: Probe\n", "title: Probe\nname: probe\n")
    counted = "correlation: {type: event_count, rules: [probe], group-by: [account.id], timespan: 1d, condition: {gte: 2}}"
    text = f"{base}---\ntitle: Keeps probing\n{counted}\n"
    found = only(tmp_path, text, MATCH.replace("expect: signal", "times: 2, expect: signal"))
    assert (found.title, found.tests, undecided(found)) == ("Probe", 0, [])


def test_keywords_and_other_leaves_have_words_of_their_own(tmp_path: Path) -> None:
    text = """\
title: Words
logsource: {product: ostiary, category: request}
detection:
  words: [sqlmap, 'n?kto']
  net: {client.address|cidr: 192.0.2.0/24}
  none: {http.request.header.accept: null}
  there: {credential.id|exists: true}
  same: {http.request.header.host|fieldref: server.address}
  pattern: {url.path|re|i: '^/v[0-9]+/'}
  condition: all of them
"""
    assert undecided(only(tmp_path, text, "name: a, request: {gen_ai.request.seed: 1}, expect: none")) == [
        "keyword: [sqlmap, n?kto]",
        "client.address|cidr: 192.0.2.0/24",
        "http.request.header.accept: null",
        "credential.id|exists: true",
        "http.request.header.host|fieldref: server.address",
        "url.path|re|i: ^/v[0-9]+/",
    ]


def test_each_leaf_of_a_block_on_one_member_is_a_leaf(tmp_path: Path) -> None:
    text = (
        "title: Block\nlogsource: {product: ostiary, category: request}\n"
        "detection: {m: {'gen_ai.messages[]': {role: user, 'text|contains': x}}, condition: m}\n"
    )
    found = only(tmp_path, text, "name: a, request: {gen_ai.messages: [{role: system, text: x}]}, expect: none")
    assert (found.leaves, undecided(found)) == (2, ["text|contains: x"])
    assert str(found.undecided[0].position).endswith("rule.yaml:3:51")


def test_the_summary_counts_leaves_over_all_rules(tmp_path: Path) -> None:
    result = compiled(tmp_path, f"{PHRASES}---\n{PROBE}", MATCH)
    summary = coverage_summary(coverage(result))
    assert (summary["leaves"], summary["decided"], summary["percent"]) == (5, 3, 60.0)


def test_rules_with_mistakes_have_no_coverage(tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text("title: x\n", encoding="utf-8")
    assert list(coverage(compile_paths([tmp_path]))) == []


@pytest.mark.parametrize("strict", [False, True])
def test_the_command_names_what_is_undecided_and_fails_only_when_strict(tmp_path: Path, strict: bool) -> None:
    compiled(tmp_path, PROBE, "name: near, request: {gen_ai.request.max_tokens: 1}, expect: none")
    options = ["test", str(tmp_path), "--coverage", *(["--strict"] if strict else [])]
    result = CliRunner().invoke(app, [*options, "--format", "json"])
    assert result.exit_code == (1 if strict else 0)
    (rule,) = json.loads(result.stdout)["coverage"]["rules"]
    assert rule["percent"] == 33.3
    assert rule["undecided"][0]["leaf"] == "gen_ai.request.max_tokens|lte: 2"
    shown = CliRunner().invoke(app, [*options, "--format", "text"]).stdout
    assert "no test decides `account.trusted: true`" in shown
    assert "1 of 3 leaves decided (33.3%)" in shown


def test_the_starter_pack_leaves_no_part_of_a_condition_undecided() -> None:
    compiled_pack = compile_paths([Path(__file__).parents[2] / "rules"])
    found = list(coverage(compiled_pack))
    assert len(found) >= 25
    assert [(one.title, undecided(one)) for one in found if one.undecided] == []
