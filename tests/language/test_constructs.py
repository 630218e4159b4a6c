"""Every construct of the Sigma specification (v2.1, detections, correlations, filters) with its outcome here: none is silently ignored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ostiary.language.compile import Compiled
from ostiary.language.modifiers import ALIASES, REGISTRY

Compile = Callable[..., Compiled]

HEAD = "title: T\nlogsource: {category: webserver}\n"
LOADS = ""
"""The outcome of what loads; anything else is the kind of the mistake that refuses it."""


def item(text: str) -> str:
    return f"{HEAD}detection:\n  sel:\n    {text}\n  condition: sel\n"


def detection(text: str) -> str:
    return f"{HEAD}detection:\n  {text}\n"


def condition(text: str) -> str:
    return f"{HEAD}detection: {{a: {{f: x}}, b_1: {{g: y}}, b_2: {{h: z}}, _c: {{i: w}}, condition: '{text}'}}\n"


def correlation(text: str) -> str:
    rules = [
        f"title: {name}\nname: {name}\nlogsource: {{category: webserver}}\ndetection: {{s: {{f: {name}}}, condition: s}}\n" for name in "ab"
    ]
    return "---\n".join([*rules, f"title: C\nname: c\ncorrelation: {{{text}}}\n"])


def filtered(text: str, extra: str = "") -> str:
    rule = "title: R\nname: r\nlogsource: {category: webserver}\ndetection: {s: {f: x}, condition: s}\n"
    return f"{rule}---\ntitle: F\nlogsource: {{category: webserver}}\nfilter: {{{text}}}\n{extra}"


BY = "group-by: [u], timespan: 5m"
CONSTRUCTS: list[tuple[str, str]] = [
    # values
    (item("f: text"), LOADS),
    (item("f: 'wild*card?'"), LOADS),
    (item(r"f: 'lit\*er\?al\\*'"), LOADS),
    (item("f: ''"), LOADS),
    (item("f: null"), LOADS),
    (item("f: 5"), LOADS),
    (item("f: 0.5"), LOADS),
    (item("f: true"), LOADS),
    (item("f: [a, 5, true]"), LOADS),
    (item("f: [a, null]"), "null-in-list"),
    (item("f: []"), LOADS),
    (item("f: {g: x}"), "value-shape"),
    (item("f: [[a]]"), "value-shape"),
    (item("f: !!binary aGk="), "yaml-tag"),
    # selections
    (detection("sel: {f: x, g: y}\n  condition: sel"), LOADS),
    (detection("sel: [{f: x}, {g: y}]\n  condition: sel"), LOADS),
    (detection("sel: [word, 5]\n  condition: sel"), LOADS),
    (detection("sel: word\n  condition: sel"), LOADS),
    (detection("sel: {'|all': [one, two]}\n  condition: sel"), LOADS),
    (detection("sel: {'|cased': Word}\n  condition: sel"), LOADS),
    (detection("sel: {'|contains': word}\n  condition: sel"), LOADS),
    (detection("sel: {'|windash': ' -a'}\n  condition: sel"), LOADS),
    (detection("sel: {'|base64offset': word}\n  condition: sel"), LOADS),
    (detection("sel: {'|neq': word}\n  condition: sel"), LOADS),
    *((detection(f"sel: {{'|{word}': 'a'}}\n  condition: sel"), "keyword-modifier")
      for word in ("re", "cidr", "startswith", "endswith", "fieldref")),
    *((detection(f"sel: {{'|{word}': 5}}\n  condition: sel"), "keyword-modifier") for word in ("gt", "gte", "lt", "lte", "hour")),
    (detection("sel: {'|exists': true}\n  condition: sel"), "keyword-modifier"),
    (detection("sel: {}\n  condition: sel"), "selection-empty"),
    (detection("sel: null\n  condition: sel"), "selection-empty"),
    (detection("sel: {f: x}\n  timeframe: 5m\n  condition: sel"), "timeframe"),
    (detection("sel: {f: x}"), "no-condition"),
    # modifiers, alone and together
    *((item(f"f|{word}: x"), LOADS) for word in ("contains", "startswith", "endswith", "cased", "re", "fieldref", "neq", "windash")),
    *((item(f"f|{word}: x"), LOADS)
      for word in ("contains|cased", "cased|contains", "contains|neq", "neq|contains", "startswith|endswith")),
    (item("f|all: [x, y]"), LOADS),
    (item("f|contains|all: [x, y]"), LOADS),
    (item("f|all|contains: [x, y]"), LOADS),
    (item("f|all: x"), "all-of-one"),
    *((item(f"f|{word}: 5"), LOADS) for word in ("contains", "startswith", "endswith", "lt", "lte", "gt", "gte", "re")),
    *((item(f"f|{word}: '5'"), "modifier-value") for word in ("lt", "lte", "gt", "gte", "hour")),
    (item("f|gt: [5, 6]"), LOADS),
    (item("f|contains: true"), "modifier-value"),
    (item("f|contains: null"), "modifier-value"),
    (item("f|exists: true"), LOADS),
    (item("f|exists: 'true'"), "modifier-value"),
    (item("f|exists|neq: true"), "modifier-order"),
    (item("f|neq: null"), LOADS),
    (item("f|neq|all: [x, y]"), LOADS),
    *((item(f"f|re|{flags}: x"), LOADS)
      for flags in ("i", "m", "s", "i|m|s", "ignorecase", "multiline", "dotall", "i|contains", "startswith")),
    (item("f|re|ims: x"), "unknown-modifier"),
    (item("f|i: x"), "modifier-order"),
    (item("f|contains|re: x"), "modifier-order"),
    (item("f|neq|re: x"), LOADS),
    (item("f|re: 'a(?!b)'"), "expression-look-around"),
    (item(r"f|re: '(a)\1'"), "expression-back-reference"),
    (item("f|re: '(?i)a'"), LOADS),
    (item("f|re: null"), "modifier-value"),
    (item("f|re|cased: x"), "modifier-value"),
    *((item(f"f|{words}: cmd"), LOADS)
      for words in ("base64", "base64offset", "base64|contains", "base64offset|contains", "cased|base64|contains")),
    *((item(f"f|{code}|base64offset|contains: cmd"), LOADS) for code in ("wide", "utf16le", "utf16be", "utf16", "windash|wide")),
    *((item(f"f|{code}: cmd"), "encoding-alone") for code in ("wide", "utf16le", "utf16be", "utf16")),
    (item("f|base64offset|contains|all: [cmd, dir]"), LOADS),
    (item("f|base64: 'c*d'"), "encoding-wildcard"),
    (item("f|base64offset: a"), "base64-short"),
    (item("f|contains|base64: cmd"), "modifier-order"),
    (item("f|windash|contains|all: [' -a', ' -b']"), LOADS),
    (item("f|windash: '-a -b -c -d -e'"), "windash-size"),
    *((item(f"f|{part}: {number}"), LOADS)
      for part, number in (("minute", 0), ("hour", 23), ("day", 31), ("week", 53), ("month", 12), ("year", 2026))),
    *((item(f"f|{part}: {number}"), "date-part")
      for part, number in (("minute", 60), ("hour", 24), ("day", 0), ("week", 54), ("month", 13), ("year", 0))),
    *((item(f"f|hour|{word}: 8"), LOADS) for word in ("gt", "gte", "lt", "lte", "neq")),
    (item("f|gte|hour: 8"), "modifier-order"),
    (item("f|hour|contains: 8"), "modifier-value"),
    (item("f|cidr: [192.0.2.0/24, '2001:db8::/32', 192.0.2.7]"), LOADS),
    (item("f|cidr: 192.0.2.1/24"), "cidr"),
    (item("f|contains|cidr: 192.0.2.0/24"), "modifier-order"),
    *((item(f"f|fieldref|{word}: g"), LOADS) for word in ("startswith", "endswith", "contains", "neq")),
    (item("f|fieldref: [g, h]"), LOADS),
    (item("f|fieldref|cased: g"), "modifier-value"),
    (item("f|fieldref: 'g*'"), "modifier-value"),
    (item("f|startswith|fieldref: g"), "modifier-order"),
    (item("f|expand: '%no_list%'"), LOADS),
    (item("f|Contains: x"), "unknown-modifier"),
    (item("f|contains|contains: x"), "modifier-twice"),
    # conditions
    *((condition(text), LOADS)
      for text in ("a", "not a", "a and b_1", "a or b_1 and not b_2", "(a or b_1) and b_2", "1 of b_*", "any of b_*")),
    *((condition(text), LOADS) for text in ("all of b_*", "1 of them", "all of them", "any of them", "1 of _*", "1 of b_1", "all of *_1")),
    *((condition(text), "condition-obsolete") for text in ("a | count() > 5", "count() > 5", "a | near b_1")),
    *((condition(text), "condition-case") for text in ("a AND b_1", "NOT a")),
    (condition("2 of b_*"), "condition-quantifier"),
    (condition("b_*"), "condition-syntax"),
    (condition("d"), "condition-undefined"),
    (condition("1 of d_*"), "condition-matches-nothing"),
    (condition("(a"), "condition-syntax"),
    (condition(""), "condition-empty"),
    (f"{HEAD}detection: {{a: {{f: x}}, b: {{g: y}}, condition: [a, b]}}\n", LOADS),
    # metadata
    *((f"{item('f: x')}{line}\n", LOADS)
      for line in ("id: 5f0c1c6e-6a3b-4a3e-9d5f-0a7d4c5b6e7f", "id: my-rule", "name: n", "status: test", "level: high")),
    *((f"{item('f: x')}{line}\n", LOADS)
      for line in ("date: 2026-02-01", "date: 2026/02/01", "modified: 2026-02-01", "tags: [attack.t1190]", "author: A")),
    *((f"{item('f: x')}{line}\n", LOADS)
      for line in ("license: MIT", "references: [https://example.org]", "fields: [f]", "falsepositives: [x]")),
    *((f"{item('f: x')}{line}\n", LOADS)
      for line in ("related: [{id: x, type: similar}]", "taxonomy: sigma", "scope: [server]", "description: d")),
    *((f"{item('f: x')}{line}\n", "bad-value") for line in ("status: good", "date: 2026-13-01", "name: ''", "id: 5")),
    (f"{item('f: x')}level: worst\n", "bad-value"),
    (f"{item('f: x')}generate: true\n", "generate"),
    (item("f: x").replace("title: T\n", ""), "missing-key"),
    (item("f: x").replace("logsource: {category: webserver}\n", ""), "logsource"),
    # correlations
    *((correlation(f"type: {kind}, rules: [a, b], {BY}"), LOADS) for kind in ("temporal", "temporal_ordered")),
    (correlation(f"type: event_count, rules: [a], {BY}, condition: {{gte: 5}}"), LOADS),
    (correlation(f"type: value_count, rules: [a], {BY}, condition: {{field: x, gte: 5}}"), LOADS),
    (correlation(f"type: value_count, rules: [a], {BY}, condition: {{field: [x, y], gte: 5}}"), LOADS),
    *((correlation(f"type: {kind}, rules: [a], {BY}, condition: {{field: x, gt: 5}}"), LOADS)
      for kind in ("value_sum", "value_avg", "value_median")),
    (correlation(f"type: value_percentile, rules: [a], {BY}, condition: {{field: x, gt: 5, percentile: 95}}"), LOADS),
    (correlation(f"type: value_percentile, rules: [a], {BY}, condition: {{field: x, gt: 5}}"), "correlation-condition"),
    *((correlation(f"type: event_count, rules: [a], {BY}, condition: {{{word}: 5}}"), LOADS)
      for word in ("gt", "gte", "lt", "lte", "eq", "neq")),
    (correlation(f"type: event_count, rules: [a], {BY}, condition: {{gt: 5, lte: 9}}"), LOADS),
    (correlation(f"type: event_count, rules: [c], {BY}, condition: {{gt: 5}}"), "correlation-cycle"),
    (correlation(f"type: event_count, rules: [x], {BY}, condition: {{gt: 5}}"), "unknown-rule"),
    (correlation(f"type: temporal, {BY}, condition: a and not b"), LOADS),
    (correlation(f"type: event_count, rules: [a], {BY}, condition: a"), "correlation-condition"),
    (correlation(f"type: temporal, rules: [a, b], {BY}, generate: true"), LOADS),
    (correlation("type: temporal, rules: [a, b], group-by: u, timespan: 5m"), LOADS),
    (correlation("type: temporal, rules: [a, b], timespan: 5m"), "missing-key"),
    (correlation("type: temporal, rules: [a, b], group-by: [w], timespan: 5m, aliases: {w: {a: x, b: y}}"), LOADS),
    (correlation(f"type: near, rules: [a, b], {BY}"), "correlation-type"),
    *((correlation(f"type: temporal, rules: [a, b], group-by: [u], timespan: {span}"), LOADS) for span in ("30s", "5m", "2h", "1d")),
    *((correlation(f"type: temporal, rules: [a, b], group-by: [u], timespan: {span}"), "bad-value")
      for span in ("1M", "1y", "1h30m", "0s", "5")),
    # filters
    *((filtered(f"rules: {rules}, s: {{f: y}}, condition: not s"), LOADS) for rules in ("any", "[r]", "r", "[]")),
    (filtered("rules: any, s: {f: y}, condition: s"), LOADS),
    (filtered("s: {f: y}, condition: not s"), "missing-key"),
    (filtered("rules: any, s: {f: y}"), "no-condition"),
    (filtered("rules: any, condition: not s"), "no-selection"),
    (filtered("rules: any, s: {f: y}, condition: not s", "ostiary: {mode: monitor}\n"), "filter-key"),
    # collections
    *((f"action: {word}\nlevel: low\n---\n{item('f: x')}", "collection-action") for word in ("global", "reset", "repeat")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "outcome"), CONSTRUCTS)
def test_a_construct_loads_or_is_refused_by_name(compiled: Compile, text: str, outcome: str) -> None:
    done = compiled(text, foreign_fields=True)
    assert sorted({mistake.kind for mistake in done.mistakes}) == ([outcome] if outcome else [])
    assert (done.ruleset is not None) == (not outcome)


def test_every_modifier_is_in_the_table() -> None:
    shown = "\n".join(text for text, _ in CONSTRUCTS)
    missing = [word for word in (*REGISTRY.words(), *ALIASES) if word != "leet" and f"|{word}" not in shown]
    assert not missing


def test_an_item_may_carry_modifiers_in_any_order_that_means_something(compiled: Compile) -> None:
    """Each pair of words either loads or is refused with a reason at one of its words: nothing else comes of it."""
    values = {"exists": "true", "cidr": "192.0.2.0/24", "fieldref": "g", "re": "ab"}
    outcomes = set()
    for first in REGISTRY.words():
        for second in REGISTRY.words():
            value = values.get(
                first, values.get(second, "[ab, cd]" if "all" in (first, second) else "5" if first in ("gt", "hour") else "ab")
            )
            done = compiled(item(f"f|{first}|{second}: {value}"), foreign_fields=True)
            assert (done.ruleset is None) == bool(done.mistakes)
            outcomes.update(mistake.kind for mistake in done.mistakes)
    assert outcomes <= {
        "modifier-order", "modifier-twice", "modifier-value", "encoding-alone", "ours-only", "all-of-one", "date-part", "cidr",
        "base64-short",
    }  # fmt: skip
