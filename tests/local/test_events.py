"""Events for ``ostiary match``: how lines become fields, and what the command answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.local.events import MAX_DEPTH, BadEvent, fields_of, read_events

RULES = """\
title: Needle in a prompt
id: 2d0d2e63-4b0f-4a5e-9d43-0d2d1c7a1a11
logsource: {product: ostiary, category: request}
detection: {a: {'gen_ai.prompt.last|contains': needle}, condition: a}
---
title: Command of another product
logsource: {product: linux, service: auditd}
detection: {a: {proc.args: '-rf'}, condition: a}
---
title: Spoken for
name: spoken_for
logsource: {product: ostiary, category: request}
detection: {a: {account.plan: free}, condition: a}
---
title: Counts
correlation: {type: event_count, rules: [spoken_for], group-by: [account.id], timespan: 1h, condition: {gte: 2}, generate: false}
"""


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ({"a": 1, "b.c": "x"}, {"a": 1, "b.c": "x"}),
        ({"a": {"b": {"c": None}}}, {"a.b.c": None}),
        ({"a": []}, {"a": ()}),
        ({"a": [1, "2", None]}, {"a": (1, "2", None)}),
        ({"a": [{"b": 1, "c": 2}, {"b": [3, 4]}]}, {"a.b": (1, 3, 4), "a.c": 2}),
        ({"a": {"b": 1}, "a.b": 2}, {"a.b": (1, 2)}),
        ({"a": {}}, {}),
        ({"": {"b": 1}}, {"b": 1}),
    ],
)
def test_nested_names_are_joined_and_lists_are_several_values(event: dict[str, object], fields: dict[str, object]) -> None:
    assert fields_of(event) == fields


def test_an_event_may_be_nested_to_the_limit_and_no_further() -> None:
    event: object = "x"
    for _ in range(MAX_DEPTH):
        event = {"a": event}
    assert list(fields_of(event).values()) == ["x"]  # type: ignore[arg-type]
    with pytest.raises(BadEvent, match="nested deeper"):
        fields_of({"a": event})


def test_bad_lines_are_named_and_blank_ones_are_none() -> None:
    lines = [b'{"a": 1}\n', b"\n", b"[]\n", b"{\n", b"\xff\n", b"[" * 100_000, b'{"httpMethod": "GET", "requestContext": 5}', b'{"a": 2}']
    events = list(read_events(lines))
    assert [event.index for event in events] == list(range(7))
    assert [bool(event.error) for event in events] == [False, True, True, True, True, True, False]
    assert events[1].number == 3 and "object" in events[1].error


def test_a_gateways_event_becomes_the_fields_of_its_request() -> None:
    event = {
        "resource": "/{proxy+}",
        "path": "/v1/messages",
        "httpMethod": "POST",
        "headers": {"content-type": "application/json", "host": "api.example"},
        "multiValueHeaders": {"content-type": ["application/json"], "host": ["api.example"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": "r-1",
            "accountId": "1",
            "apiId": "a",
            "stage": "s",
            "resourcePath": "/{proxy+}",
            "httpMethod": "POST",
            "path": "/s/v1/messages",
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "t"},
            "authorizer": {"account_id": "acct-1"},
        },
        "body": json.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "a needle"}]}),
        "isBase64Encoded": False,
    }
    fields = fields_of(event)
    assert fields["gen_ai.prompt.last"] == "a needle"
    assert fields["principal.id"] == "account#acct-1"
    assert fields["http.request.method"] == "POST"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    return file


def test_match_names_the_rules_by_id_or_title(rules: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lines = [{"gen_ai": {"prompt": {"last": "a Nееdle"}}, "proc": {"args": ["rm", "-rf"]}, "account": {"plan": "free"}}, {"x": 1}]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    result = CliRunner().invoke(app, ["match", str(rules), str(events)])
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"index": 0, "signals": ["2d0d2e63-4b0f-4a5e-9d43-0d2d1c7a1a11", "Command of another product"]},
        {"index": 1, "signals": []},
    ]


def test_match_goes_on_after_a_bad_line_and_exits_1(rules: Path) -> None:
    result = CliRunner().invoke(app, ["match", str(rules), "-"], input='nonsense\n{"gen_ai.prompt.last": "needle"}\n')
    assert result.exit_code == 1
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first["index"] == 0 and "not JSON" in first["error"]
    assert second == {"index": 1, "signals": ["2d0d2e63-4b0f-4a5e-9d43-0d2d1c7a1a11"]}
    assert "line 1" in result.stderr


def test_match_shows_mistakes_of_the_rules_and_reads_no_event(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("title: x\nlogsource: {product: a}\ndetection: {a: {b: c}, condition: nothing}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["match", str(bad), "-"], input="{}\n")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "bad.yaml:3" in result.stderr


def test_match_says_when_there_is_no_such_file(rules: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["match", str(rules), str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    assert "none.jsonl" in result.stderr


def test_members_of_a_collection_stay_together_where_one_lacks_a_field() -> None:
    found = fields_of({"gen_ai": {"messages": [{"role": "user"}, {"role": "system", "text": "t"}]}})
    assert found == {"gen_ai.messages.role": ("user", "system"), "gen_ai.messages.text": (None, "t")}
