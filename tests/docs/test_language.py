"""``docs/language.md``: every example is compiled and run, and every word of the language has one.

A ``yaml`` block is a rule file, or a bare ``detection:`` (a rule about requests is put around it), or a list where its first line
names a file of ``lists/``. The block after it says what comes of it: ``events`` (time, what speaks, the event), or ``mistakes``
(first lines of what the author is told). A block with ``tests:`` needs neither: its own tests must pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError

from ostiary.language.compile import Compiled, compile_paths
from ostiary.language.models import (
    UNIT_SECONDS,
    CorrelationDocument,
    ExemptionDocument,
    Expect,
    Limit,
    ListDocument,
    Ours,
    RuleTestDocument,
    StepDocument,
)
from ostiary.language.modifiers import ALIASES, REGISTRY
from ostiary.language.reading import plain
from ostiary.language.source import Source
from ostiary.language.thresholds import OPERATORS
from ostiary.language.tree import parse
from ostiary.local.rule_tests import run_tests
from ostiary.matching.correlate import Correlator
from ostiary.matching.evaluate import Evaluator
from ostiary.vocabulary.fields import COLLECTIONS
from ostiary.vocabulary.request import Value
from ostiary.vocabulary.rule import CorrelationType, Ruleset

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
HEAD = "title: Example\nlogsource: {product: ostiary, category: request}\n"
NOW = 1_800_000_000.0
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LIST = re.compile(r"# (lists/[\w.-]+)\n")
_EVENT = re.compile(r"(?:(\d+)([smhd]) +)?(\S+(?:, \S+)*) +(\{.*\})")


@dataclass
class Example:
    """A rule file with what must come of it. ``line``: of the page, for whoever mends it."""

    line: int
    text: str
    lists: dict[str, str] = field(default_factory=dict)
    kind: str = "tests"
    outcome: str = ""


def read_examples() -> Iterator[Example]:
    page = PAGE.read_text(encoding="utf-8")
    lists: dict[str, str] = {}
    example: Example | None = None
    for found in _BLOCK.finditer(page):
        language, text = found[1], found[2]
        line = page.count("\n", 0, found.start()) + 1
        if language == "yaml" and (named := _LIST.match(text)):
            lists[named[1]] = text
        elif language == "yaml":
            if example is not None:
                yield example
            example = Example(line, HEAD + text if text.startswith("detection:") else text, lists)
            lists = {}
        elif language in ("events", "mistakes"):
            assert example is not None and not example.outcome, f"line {line}: no rule stands before it"
            example.kind, example.outcome = language, text
        else:
            assert language in ("console", "json"), f"line {line}: nobody runs {language}"
    if example is not None:
        yield example


EXAMPLES = list(read_examples())
RUN = [example for example in EXAMPLES if example.kind != "mistakes"]


def compiled(example: Example, folder: Path) -> Compiled:
    for name, text in example.lists.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "rule.yaml").write_text(example.text, encoding="utf-8")
    return compile_paths([folder], now=NOW)


def flat(event: dict[str, Any], prefix: str = "") -> dict[str, Value]:
    """An event's fields; a collection written as a list of maps becomes aligned values."""
    found: dict[str, Value] = {}
    for key, value in event.items():
        name = prefix + key
        if name in COLLECTIONS:
            for part in dict.fromkeys(part for member in value for part in member):
                found[f"{name}.{part}"] = tuple(member.get(part) for member in value)
        elif isinstance(value, dict):
            found.update(flat(value, name + "."))
        else:
            found[name] = tuple(value) if isinstance(value, list) else value
    return found


class Speaker:
    """Says which rules speak of an event, by name or title."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._rules = ruleset.rules
        self._evaluator = Evaluator(ruleset, foreign=True)
        self._correlator = Correlator(ruleset)

    def event(self, time: float, number: int, fields: dict[str, Value]) -> set[str]:
        signals = [signal.rule for signal in self._evaluator.evaluate(fields, fields)]
        held = self._correlator.observe(time, f"{number:04}", fields, signals)
        return self._names([*signals, *held])

    def end(self) -> set[str]:
        return self._names([closed.rule for closed in self._correlator.close()])

    def _names(self, indexes: list[int]) -> set[str]:
        rules = [self._rules[index] for index in indexes]
        return {rule.name or rule.title for rule in rules if rule.generate}


def check_events(example: Example, ruleset: Ruleset) -> int:
    speaker, time, lines = Speaker(ruleset), 0.0, example.outcome.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("end "):
            wanted, said = line.removeprefix("end ").strip(), speaker.end()
        else:
            parts = _EVENT.fullmatch(line)
            assert parts, f"line {example.line}: `{line}` is no event"
            time = int(parts[1]) * UNIT_SECONDS[parts[2]] if parts[1] else time
            wanted, said = parts[3], speaker.event(time, number, flat(json.loads(parts[4])))
        if wanted == "signal":
            assert said, f"example of line {example.line}: nothing speaks of {line}"
        else:
            expected = set() if wanted == "none" else set(wanted.split(", "))
            assert said == expected, f"example of line {example.line}: {line}"
    return len(lines)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"line {example.line}")
def test_an_example_does_what_the_page_says(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = compiled(example, Path())
    shown = [mistake.render() for mistake in done.mistakes]
    if example.kind == "mistakes":
        assert [text.splitlines()[0].partition(": ")[2] for text in shown] == example.outcome.splitlines()
        return
    assert shown == []
    assert done.ruleset is not None
    ran = check_events(example, done.ruleset) if example.kind == "events" else 0
    results = list(run_tests(done))
    assert [(result.name, result.got, result.reasons) for result in results if not result.ok] == []
    assert ran + len(results) >= 2, "an example shows a case and its opposite"


def documents() -> Iterator[dict[str, Any]]:
    for example in RUN:
        yield from (document for document in yaml.safe_load_all(example.text) if document)
        yield from map(yaml.safe_load, (text for name, text in example.lists.items() if name.endswith(".yaml")))


def keys_of(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from keys_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys_of(value)


def shown_keys(name: str) -> set[str]:
    """Every key below a top-level key, in any example that runs."""
    return {key for document in documents() if name in document for key in keys_of(document[name])}


def keys(model: Any) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def test_the_page_is_not_read_past_its_examples() -> None:
    assert len(EXAMPLES) >= 49
    assert sum(example.kind == "mistakes" for example in EXAMPLES) >= 8


@pytest.mark.parametrize("word", [*REGISTRY.words(), *ALIASES])
def test_every_modifier_has_an_example(word: str) -> None:
    used = {part for key in (*shown_keys("detection"), *shown_keys("filter")) for part in key.split("|")[1:]}
    assert word in used


@pytest.mark.parametrize("kind", get_args(CorrelationType))
def test_every_type_of_correlation_has_an_example(kind: str) -> None:
    assert kind in {document["correlation"]["type"] for document in documents() if "correlation" in document}


@pytest.mark.parametrize("key", sorted({*keys(CorrelationDocument), *OPERATORS, "field", "percentile"}))
def test_every_key_of_a_correlation_has_an_example(key: str) -> None:
    assert key in shown_keys("correlation")


@pytest.mark.parametrize("words", ["and", "or", "not", "1 of", "any of", "all of", "them", "(", "*"])
def test_every_word_of_a_condition_has_an_example(words: str) -> None:
    bodies = [document[kind] for document in documents() for kind in ("detection", "filter") if kind in document]
    conditions = [body["condition"] for body in bodies]
    texts = [text for condition in conditions for text in (condition if isinstance(condition, list) else [condition])]
    pattern = re.escape(words) if not words[0].isalnum() else rf"\b{words}\b"
    assert any(re.search(pattern, text) for text in texts)


@pytest.mark.parametrize("key", sorted({*keys(Ours), *keys(Limit)}))
def test_every_key_under_ostiary_has_an_example(key: str) -> None:
    assert key in shown_keys("ostiary")


@pytest.mark.parametrize("key", sorted({*keys(RuleTestDocument), *keys(StepDocument)}))
def test_every_key_of_a_test_has_an_example(key: str) -> None:
    assert key in shown_keys("tests")


@pytest.mark.parametrize("word", get_args(Expect))
def test_every_expectation_has_an_example(word: str) -> None:
    tests = [test for document in documents() for test in document.get("tests", [])]
    assert word in {part.get("expect") for test in tests for part in (test, *test.get("sequence", []))}


@pytest.mark.parametrize(("first", "model"), [("exemption", ExemptionDocument), ("list", ListDocument)])
def test_every_key_of_our_other_documents_has_an_example(first: str, model: Any) -> None:
    shown = {key for document in documents() if first in document for key in document}
    assert keys(model) <= shown


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_collection_has_an_example(collection: str) -> None:
    assert f"{collection}[]" in shown_keys("detection")


def test_the_schema_that_editors_are_told_of_exists() -> None:
    (named,) = set(re.findall(r"`(schemas/[\w.]+)`", PAGE.read_text(encoding="utf-8")))
    schema = json.loads((PAGE.parents[1] / named).read_text(encoding="utf-8"))
    assert schema["$schema"].startswith("http://json-schema.org/")


def test_editors_find_nothing_wrong_with_an_example() -> None:
    schema = json.loads((PAGE.parents[1] / "schemas" / "rule.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    checked = 0
    for example in RUN:
        for node in parse(Source("rule.yaml", example.text.splitlines()), example.text):
            assert [error.message for error in validator.iter_errors(plain(node))] == [], f"line {example.line}"
            checked += 1
    assert checked >= 60


RULE = "title: x\nlogsource: {category: application}\ndetection: {s: {%s}, condition: s}\n"
COUNTED = (
    "title: y\ncorrelation: {type: event_count, rules: [%s], group-by: [a], timespan: 5m, condition: {%s}}\n---\n"
    "title: x\nname: r\nlogsource: {category: application}\ndetection: {s: {a: b}, condition: s}\n"
)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (RULE % "f|contains: 5", False),
        (RULE % "f|utf16le|base64: x", False),
        (RULE % "f|wide|base64: ü", False),
        (RULE % "f|re: '(?=x)y'", False),
        (RULE % "f|expand: '%unknown%'", True),
        (RULE % "f|hour: 99", True),
        (RULE % "f|cidr: 192.0.2.1/24", False),
        (COUNTED % ("r", "gte: 2"), True),
        (COUNTED % ("r", "gt: 1, lte: 9"), False),
        (COUNTED % ("r, r", "gte: 2"), True),
    ],
)
def test_what_the_page_says_of_pysigma_is_what_it_does(text: str, taken: bool) -> None:
    if taken:
        SigmaCollection.from_yaml(text)
    else:
        with pytest.raises(SigmaError):
            SigmaCollection.from_yaml(text)


def test_pysigma_reads_scalars_as_yaml_1_1() -> None:
    (rule,) = SigmaCollection.from_yaml(RULE % "f: yes, g: 010")
    assert [str(item.value[0]) for item in rule.detection.detections["s"].detection_items] == ["True", "8"]


def test_pysigma_silences_the_rules_of_a_correlation_unless_told_otherwise() -> None:
    rules = SigmaCollection.from_yaml(COUNTED % ("r", "gte: 2"))
    assert [rule.generate for rule in rules if isinstance(rule, SigmaCorrelationRule)] == [False]


def test_pysigma_expands_no_long_dash_of_the_rule_itself() -> None:
    def values(written: str) -> int:
        (rule,) = SigmaCollection.from_yaml(RULE % f"f|windash: '{written}'")
        (value,) = rule.detection.detections["s"].detection_items[0].value
        return len(value.values) if hasattr(value, "values") else 1

    assert (values("-a"), values("–a")) == (5, 1)
