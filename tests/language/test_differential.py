"""The language against pySigma: where both know the grammar, they mean the same."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.language.compile import Compiled
from ostiary.matching.evaluate import Evaluator

_spec = importlib.util.spec_from_file_location("sigma_oracle", Path(__file__).with_name("sigma_oracle.py"))
assert _spec is not None and _spec.loader is not None
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

EVENTS: list[dict[str, Any]] = [
    {},
    {"a": None},
    {"a": ""},
    {"a": "x"},
    {"a": "X", "b": "x"},
    {"a": "xyz", "b": "Y"},
    {"a": "xaz", "b": "z", "c": "q"},
    {"a": "a*b"},
    {"a": "aXXb", "b": "b"},
    {"a": "a?b"},
    {"a": "back\\slash"},
    {"a": "back\\\\slash*"},
    {"a": 5},
    {"a": "5"},
    {"a": 200, "b": 7.5},
    {"a": "200", "b": "not a number"},
    {"a": True, "b": False},
    {"a": "true"},
    {"a": "192.0.2.17"},
    {"a": "198.51.100.1", "b": "2001:db8::5"},
    {"b": "x", "c": "y"},
    {"a": "line one\nline two", "b": "line"},
    {"a": "word in a sentence", "c": "another WORD"},
    {"a": "-", "b": "null"},
    {"a": "straße", "b": "ÄÖ"},
    {"a": "verbatim chain of thought", "b": "chain"},
    {"a": "../../etc/passwd", "b": "/v1/%2e%2e/admin"},
    {"a": "xx Zm9vYmFy yy", "b": "Zm9vYmFy"},
    {"a": "powershell YwBtAGQA", "b": "//5jAG0AZAA="},
    {"a": "cmd -enc x", "b": "cmd /enc x"},
    {"a": "cmd \u2013enc x", "b": "https://x"},
    {"a": "eGZvb2Jhcnh4"},
]
DETECTIONS = [
    "sel: {a: x}; sel",
    "sel: {a: 'X'}; sel",
    "sel: {a: x*}; sel",
    "sel: {a: '*x'}; sel",
    "sel: {a: 'x?z'}; sel",
    r"sel: {a: 'a\*b'}; sel",
    r"sel: {a: 'a\?b'}; sel",
    r"sel: {a: 'a*b'}; sel",
    r"sel: {a: 'back\slash'}; sel",
    r"sel: {a: 'back\\slash'}; sel",
    r"sel: {a: 'back\\\\slash\*'}; sel",
    r"sel: {a: 'back\\*'}; sel",
    "sel: {a: ''}; sel",
    "sel: {a: null}; sel",
    "sel: {a: '*'}; sel",
    "sel: {a: 5}; sel",
    "sel: {a: '5'}; sel",
    "sel: {a: [5, x]}; sel",
    "sel: {a: true}; sel",
    "sel: {a: [x, xyz, 'a*']}; sel",
    "sel: {a: []}; sel",
    "sel: {a: x, b: x}; sel",
    "sel: [{a: x}, {b: x}]; sel",
    "sel: [{a: x, b: x}, {c: q}]; sel",
    "sel: {a|contains: y}; sel",
    "sel: {a|contains: ''}; sel",
    "sel: {a|contains: '*y*'}; sel",
    "sel: {a|startswith: x}; sel",
    "sel: {a|endswith: z}; sel",
    "sel: {a|contains: [y, '2']}; sel",
    "sel: {a|contains|all: [x, z]}; sel",
    "sel: {a|all|contains: [x, z]}; sel",
    "sel: {a|startswith: [x, 'a*']}; sel",
    "sel: {a|cased: X}; sel",
    "sel: {a|contains|cased: X}; sel",
    "sel: {a|re: 'x.z'}; sel",
    "sel: {a|re: '^x'}; sel",
    "sel: {a|re|i: '^X$'}; sel",
    "sel: {a|re|m: '^line two$'}; sel",
    "sel: {a|re|s: 'one.line'}; sel",
    "sel: {a|re: 'one.line'}; sel",
    r"sel: {a|re: '\.\./'}; sel",
    "sel: {a|re: [x, '^2']}; sel",
    "sel: {a|cidr: 192.0.2.0/24}; sel",
    "sel: {a|cidr: [192.0.2.0/24, 198.51.100.1]}; sel",
    "sel: {b|cidr: '2001:db8::/32'}; sel",
    "sel: {a|gt: 5}; sel",
    "sel: {a|gte: 5, b|lt: 8}; sel",
    "sel: {a|lte: 5}; sel",
    "sel: {a|exists: true}; sel",
    "sel: {a|exists: false}; sel",
    "sel: {a|neq: x}; sel",
    "sel: {a|neq: [x, xyz]}; sel",
    "sel: {a|contains|neq: x}; sel",
    "sel: {a|fieldref: b}; sel",
    "sel: {a|fieldref|startswith: b}; sel",
    "sel: {a|fieldref|endswith: b}; sel",
    "sel: {a|fieldref|contains: b}; sel",
    "sel: [word]; sel",
    "sel: [word, 'et?']; sel",
    "sel: {'|all': [word, sentence]}; sel",
    "sel: {a: x}, other: {b: x}; sel and other",
    "sel: {a: x}, other: {b: x}; sel or other",
    "sel: {a: x}, other: {b: x}; sel and not other",
    "sel: {a: x}, other: {b: x}, third: {c: q}; sel or other and third",
    "sel: {a: x}, other: {b: x}, third: {c: q}; not sel and other or third",
    "sel: {a: x}, other: {b: x}, third: {c: q}; not (sel or other) and not third",
    "sel_1: {a: x}, sel_2: {b: x}, third: {c: q}; 1 of sel_*",
    "sel_1: {a: x}, sel_2: {b: x}, third: {c: q}; all of sel_*",
    "sel_1: {a: x, b: x}, sel_2: {c: q}; 1 of sel_*",
    "sel_1: {a: x}, sel_2: {b: x}, _third: {c: q}; all of them",
    "sel_1: {a: x}, sel_2: {b: x}, _third: {c: q}; any of them",
    "sel_1: {a: x}, sel_2: {b: x}, _third: {c: q}; 1 of _*",
    "sel: {a: x}, filter_main: {b: x}, filter_other: {c: y}; sel and not 1 of filter_*",
    "sel: {b: x}, keywords: [word]; sel or keywords",
    "sel: {a|base64|contains: foobar}; sel",
    "sel: {b|base64: foobar}; sel",
    "sel: {a|base64offset|contains: foobar}; sel",
    "sel: {a|base64offset|contains|all: [foobar, oob]}; sel",
    "sel: {a|wide|base64offset|contains: cmd}; sel",
    "sel: {b|utf16|base64|contains: cmd}; sel",
    "sel: {a|windash|contains: ' -enc '}; sel",
    "sel: {b|windash|contains: ' -enc '}; sel",
    "sel: {a|windash|contains|all: [' -enc', x]}; sel",
    "sel: {b|windash|contains: '/x'}; sel",
    "sel: {a|neq|contains: [x, y]}; sel",
    "sel: {a|neq: null}; sel",
    "sel: {a|fieldref|neq: b}; sel",
    "sel: {'|cased': [WORD]}; sel",
]


def rule(detection: str) -> str:
    selections, condition = detection.rsplit(";", 1)
    return f"title: T\nlogsource: {{category: webserver}}\ndetection: {{{selections}, condition: {condition.strip()}}}\n"


@pytest.mark.parametrize("detection", DETECTIONS)
def test_both_mean_the_same(compiled: Callable[..., Compiled], detection: str) -> None:
    done = compiled(rule(detection), foreign_fields=True)
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    evaluator = Evaluator(done.ruleset)
    ours = [index for index, event in enumerate(EVENTS) if evaluator.evaluate(event, {})]
    theirs = [index for index, event in enumerate(EVENTS) if oracle.matches(rule(detection), event)]
    assert ours == theirs, [EVENTS[index] for index in set(ours) ^ set(theirs)]


def test_the_detections_are_neither_all_false_nor_all_true(compiled: Callable[..., Compiled]) -> None:
    """A comparison of what never matches shows nothing."""
    decisive = [detection for detection in DETECTIONS if 0 < sum(oracle.matches(rule(detection), event) for event in EVENTS) < len(EVENTS)]
    assert len(decisive) >= len(DETECTIONS) - 5
