"""``schemas/rule.schema.json``: what editors know of rule files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ostiary.language.json_schema import text
from ostiary.language.nodes import Mapping
from ostiary.language.reading import plain
from ostiary.language.source import Source
from ostiary.language.tree import parse
from ostiary.vocabulary.fields import REQUEST_FIELDS

ROOT = Path(__file__).parents[2]
FILE = ROOT / "schemas" / "rule.schema.json"
MISTAKES = Path(__file__).parent / "mistakes"
OURS = "title: T\nlogsource: {product: ostiary, category: request}\n"
WEB = "title: T\nlogsource: {category: webserver}\n"
COUNT = "title: T\ncorrelation: {type: event_count, rules: [a], group-by: [account.id], timespan: 1h, condition: {gte: 3}}\n"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def documents(source: str) -> list[Any]:
    return [plain(node) for node in parse(Source("x"), source) if isinstance(node, Mapping)]


def test_the_file_is_what_the_generator_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run: python -m ostiary.language.json_schema > schemas/rule.schema.json"


def test_every_document_of_the_pack_is_valid(validator: Any) -> None:
    count = 0
    for path in (ROOT / "rules").rglob("*.yaml"):
        if "lists" in path.parts:
            continue
        for document in documents(path.read_text(encoding="utf-8")):
            assert [error.message for error in validator.iter_errors(document)] == [], path
            count += 1
    assert count >= 50


VALID = [
    f"{OURS}detection: {{s: {{url.path|contains|all: [a, b], body.x|re|i: y, http.request.header.x: z}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{'gen_ai.messages[]': {{role: user, text|contains: x}}, gen_ai.prompt.raw: x}}, condition: [s, not s]}}\n",
    f"{OURS}detection: {{s: [word, {{account.plan: null}}], t: 5, u: {{'|all': [a, b]}}, condition: s or t or u}}\n",
    f"{OURS}detection: {{s: {{cs-method: GET, body.time|hour|gte: 8, url.path|exists: true}}, condition: s}}\n",
    f"{WEB}detection: {{s: {{AnyField|windash|contains: ' -a', f|utf16le|base64offset|contains: x}}, condition: 1 of them}}\n",
    COUNT,
    COUNT.replace("event_count", "value_count").replace("gte: 3", "gt: 3, lte: 5, field: [url.path, url.query]"),
    COUNT.replace("event_count", "temporal").replace("{gte: 3}", "a and not b") + "generate: false\nlevel: high\n",
    f"{WEB}filter: {{rules: any, s: {{f: x}}, condition: not s}}\n",
    "exemption: e\naccounts: [a]\nwaive: throttle\nreason: r\ngranted-by: g\nexpires: 2027-02-01\n",
]
WRONG = [
    f"{OURS}detection: {{s: {{url.pth: x}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{url.path|contians: x}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{url.path|exists: yes please}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{body.n|gte: '5'}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{'gen_ai.messages[]': {{rol: user}}}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{url.path: {{a: b}}}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{}}, condition: s}}\n",
    f"{OURS}detection: {{s: {{url.path: x}}}}\n",
    f"{OURS}detection: {{s: {{url.path: x}}, timeframe: 5m, condition: s}}\n",
    f"{OURS.replace('request', 'requests')}detection: {{s: {{url.path: x}}, condition: s}}\n",
    f"{WEB}detection: {{s: {{f|Contains: x}}, condition: s}}\n",
    f"{WEB}detection: {{s: {{f: [a, null]}}, condition: s}}\n",
    f"{WEB}level: HIGHEST\ndetection: {{s: {{f: x}}, condition: s}}\n",
    f"{WEB}ostiary: {{mode: enforced}}\ndetection: {{s: {{f: x}}, condition: s}}\n",
    f"{WEB}ostiary: {{limit: {{max: 0, timespan: 1m, group-by: account.id}}}}\ndetection: {{s: {{f: x}}, condition: s}}\n",
    "title: T\ndetection: {s: {f: x}, condition: s}\n",
    "logsource: {category: webserver}\ndetection: {s: {f: x}, condition: s}\n",
    COUNT.replace("event_count", "event_counts"),
    COUNT.replace("group-by", "group_by"),
    COUNT.replace("1h", "1M"),
    COUNT.replace("gte", "above"),
    COUNT.replace("gte: 3", "field: url.path"),
    f"{WEB}filter: {{s: {{f: x}}, condition: not s}}\n",
    f"{WEB}ostiary: {{mode: monitor}}\nfilter: {{rules: any, s: {{f: x}}, condition: not s}}\n",
    "exemption: e\naccounts: [a]\nwaive: everything\nreason: r\ngranted-by: g\nexpires: 2027-02-01\n",
    "escalation: p\nstagse: {}\n",
]


@pytest.mark.parametrize("source", VALID)
def test_a_right_document_is_valid(validator: Any, source: str) -> None:
    (document,) = documents(source)
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("source", WRONG)
def test_a_wrong_document_is_not(validator: Any, source: str) -> None:
    (document,) = documents(source)
    assert not validator.is_valid(document)


def test_many_of_the_known_mistakes_are_seen_in_the_editor(validator: Any) -> None:
    """Shapes are the schema's; what words mean together is the compiler's."""
    seen = [
        case.name
        for case in sorted(MISTAKES.iterdir())
        if not all(map(validator.is_valid, documents((case / "rule.yaml").read_text(encoding="utf-8"))))
    ]
    assert len(seen) >= 45
    assert {"unknown-modifier", "unknown-field", "bad-level", "selection-empty", "correlation-condition", "timeframe"} <= set(seen)


def test_every_field_is_offered_with_what_it_holds(validator: Any) -> None:
    offered = validator.schema["definitions"]["items-of-requests"]["properties"]
    assert set(offered) == set(REQUEST_FIELDS)
    assert all(offered[name]["description"].startswith(info.kind) for name, info in REQUEST_FIELDS.items())
