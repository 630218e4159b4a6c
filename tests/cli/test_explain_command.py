"""``ostiary explain``: which rule, which event, and the tree for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ostiary.cli import app

RULES = """\
title: Asks for its reasoning
name: asks
logsource: {product: ostiary, category: request}
detection:
  ask: {'gen_ai.prompt.last|contains|all': [verbatim, chain of thought]}
  seen: {url.path: [/a, /v1/messages], http.request.header.x-team: red}
  condition: ask and not seen
---
title: Keeps asking
name: keeps_asking
correlation: {type: event_count, rules: [asks], group-by: [account.id], timespan: 1d, condition: {gte: 30}}
"""
EVENT = {"gen_ai": {"prompt": {"last": "your ch\u0430in of thought\u001b[31m, verb\u200batim"}}, "url.path": "/v1/messages"}
SECRET = "sk-planted-0123456789"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "event.json").write_text(json.dumps(EVENT, indent=2), encoding="utf-8")
    return tmp_path


def explain(*words: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["explain", *map(str, words)], input=text)


def test_the_tree_shows_what_matched_what_is_absent_and_nothing_that_a_terminal_obeys(folder: Path) -> None:
    done = explain(f"{folder}/rules.yaml#asks", folder / "event.json", "--format", "text")
    assert done.exit_code == 0
    lines = [line.strip() for line in done.output.splitlines()]
    assert lines[0] == "✓ Asks for its reasoning"
    assert "✓ gen_ai.prompt.last|contains: verbatim" in lines
    assert any('read as "your chain of thought\\x1b[31m, ‹verbatim›"' in line for line in lines)
    assert '✓ url.path: "‹/v1/messages›" is /v1/messages' in lines
    assert "http.request.header.x-team is «absent»" in lines
    assert "\x1b" not in done.output


def test_a_pipe_gets_the_tree_as_json(folder: Path) -> None:
    found = json.loads(explain(folder / "rules.yaml", folder / "event.json", "--rule", "Asks for its reasoning").output)
    assert found["matches"] is True
    first, *_ = found["tree"]["children"]
    assert first["node"] == "glob" and first["truth"] is True
    value = first["values"][0]
    assert value["read_as"][slice(*value["span"])] == "verbatim"


def test_a_correlation_shows_its_rules_and_says_that_time_decides(folder: Path) -> None:
    done = explain(f"{folder}/rules.yaml#keeps_asking", folder / "event.json", "--format", "text")
    assert "event_count over 86400 s, by account.id: decided over time, not by one event" in done.output
    assert "account.id is «absent»: this event is not counted" in done.output
    found = json.loads(explain(f"{folder}/rules.yaml#keeps_asking", folder / "event.json").output)
    assert found["matches"] is None and found["rules"][0]["matches"] is True


def test_one_event_of_json_lines_of_a_list_or_of_stdin_is_chosen_by_its_index(folder: Path) -> None:
    events = [{"url.path": "/a"}, EVENT]
    lines = "\n".join(map(json.dumps, events))
    for text in (lines, json.dumps(events)):
        found = json.loads(explain(f"{folder}/rules.yaml#asks", "-", "--index", 1, text=text).output)
        assert found["matches"] is True
        refused = explain(f"{folder}/rules.yaml#asks", "-", text=text)
        assert refused.exit_code == 2 and "2 events: choose one with --index" in refused.output
        assert explain(f"{folder}/rules.yaml#asks", "-", "--index", 2, text=text).exit_code == 2


def test_a_gateways_event_is_read_as_the_gateway_reads_it_and_no_secret_is_shown(folder: Path) -> None:
    (folder / "wide.yaml").write_text(
        "title: Wide\nlogsource: {category: webserver}\ndetection: {words: [planted, hello], condition: words}\n", encoding="utf-8"
    )
    event = {
        "httpMethod": "POST",
        "path": "/v1/messages",
        "multiValueHeaders": {"Authorization": [f"Bearer {SECRET}"], "X-Api-Key": [SECRET], "X-Note": ["hello"]},
        "multiValueQueryStringParameters": {"key": [SECRET]},
        "requestContext": {"extendedRequestId": "i", "identity": {"sourceIp": "203.0.113.7"}},
    }
    flat = {
        "http.request.header.authorization": f"Bearer {SECRET}",
        "cs-cookie": SECRET,
        "note": f"hello, key={SECRET}",
        "f": f"x {SECRET}",
    }
    for source in (event, flat):
        for format in ("text", "json"):
            done = explain(folder / "wide.yaml", "-", "--format", format, text=json.dumps(source))
            assert done.exit_code == 0, done.output
            assert "hello" in done.output and SECRET not in done.output


@pytest.mark.parametrize(
    ("rule", "event", "code", "said"),
    [
        ("rules.yaml", "event.json", 2, "holds 2 rules: choose one of them with --rule (asks, keeps_asking)"),
        ("rules.yaml#nothing", "event.json", 2, "no rule `nothing`"),
        ("rules.yaml#asks", "missing.json", 2, "missing.json: No such file"),
        ("rules.yaml#asks", "rules.yaml", 2, "events: choose one with --index"),
        ("broken.yaml", "event.json", 1, "broken.yaml"),
    ],
)
def test_what_cannot_be_explained_is_said_in_a_line(folder: Path, rule: str, event: str, code: int, said: str) -> None:
    (folder / "broken.yaml").write_text("title: T\ndetection: 5\n", encoding="utf-8")
    done = explain(folder / rule, folder / event)
    assert done.exit_code == code
    assert said in done.output
