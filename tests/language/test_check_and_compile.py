"""``ostiary check`` and ``ostiary compile`` as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.ruleset.artefact import load

GOOD = "title: Good\nlogsource: {product: ostiary, category: request}\ndetection: {sel: {url.path: /a}, condition: sel}\n"
ENFORCED = """\
title: Enforced
logsource: {product: ostiary, category: request}
detection: {sel: {url.path: /admin}, condition: sel}
ostiary: {mode: enforce, action: deny}
tests:
  - {name: admin, request: {url.path: /admin}, expect: denied}
  - {name: other path, request: {url.path: /user}, expect: allowed}
"""
BAD = GOOD.replace("condition: sel", "condition: sle").replace("Good", "Bad")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "good.yaml").write_text(GOOD)
    return tmp_path / "rules"


def test_check_ends_with_0_and_says_how_far_the_rules_came(pack: Path) -> None:
    (pack / "enforced.yaml").write_text(ENFORCED)
    done = CliRunner().invoke(app, ["check", str(pack), "--format", "json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert (report["files"], report["parsed"], report["loaded"], report["applies"], report["tests"]) == (2, 2, 2, 2, 2)
    assert report["decided"] == {"Enforced": "request path", "Good": "request path"}
    assert report["mistakes"] == report["warnings"] == []


def test_check_ends_with_1_and_names_the_place_of_each_mistake(pack: Path) -> None:
    (pack / "bad.yaml").write_text(BAD)
    done = CliRunner().invoke(app, ["check", str(pack), "--format", "json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert report["refused"] == {"condition-undefined": 1}
    assert report["digest"] is None
    assert [(mistake["path"], mistake["line"], mistake["column"], mistake["kind"]) for mistake in report["mistakes"]] == [
        (str(pack / "bad.yaml"), 3, 45, "condition-undefined")
    ]


def test_check_shows_a_caret_to_people(pack: Path) -> None:
    (pack / "bad.yaml").write_text(BAD)
    done = CliRunner().invoke(app, ["check", str(pack), "--format", "text"])
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].endswith("bad.yaml:3:45: there is no selection `sle` [condition-undefined]")
    assert lines[1][lines[2].index("^") :].startswith("sle")
    assert lines[3] == "  = did you mean `sel`?"
    assert "1 mistake, 0 warnings" in lines


def test_check_says_what_enforced_rules_lack(pack: Path) -> None:
    (pack / "enforced.yaml").write_text(ENFORCED.split("tests:")[0])
    done = CliRunner().invoke(app, ["check", str(pack), "--format", "json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["refused"] == {"enforce-needs-tests": 1}


def test_check_tells_warnings_and_ends_with_0(pack: Path) -> None:
    (pack / "good.yaml").write_text(GOOD + "simulation: {}\n")
    done = CliRunner().invoke(app, ["check", str(pack), "--format", "text"])
    assert done.exit_code == 0
    assert "warning: " in done.stdout
    assert "key `simulation` is not Sigma's" in done.stdout


def test_compile_writes_what_functions_load(pack: Path, tmp_path: Path) -> None:
    target = tmp_path / "build" / "ruleset.ostiary"
    done = CliRunner().invoke(app, ["compile", str(pack), "-o", str(target), "--format", "json"])
    assert done.exit_code == 0, done.output
    ruleset = load(target.read_bytes())
    assert [rule.title for rule in ruleset.rules] == ["Good"]
    assert json.loads(done.stdout) == {
        "artefact": str(target), "bytes": target.stat().st_size, "digest": ruleset.digest, "rules": 1,
    }  # fmt: skip
    assert [path.name for path in target.parent.iterdir()] == ["ruleset.ostiary"]


def test_compile_leaves_the_last_good_artefact_when_there_are_mistakes(pack: Path, tmp_path: Path) -> None:
    target = tmp_path / "ruleset.ostiary"
    CliRunner().invoke(app, ["compile", str(pack), "-o", str(target)])
    before = target.read_bytes()
    (pack / "bad.yaml").write_text(BAD)
    done = CliRunner().invoke(app, ["compile", str(pack), "-o", str(target)])
    assert done.exit_code == 1
    assert "there is no selection `sle`" in done.stderr
    assert target.read_bytes() == before


def test_compile_says_where_it_cannot_write(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = CliRunner().invoke(app, ["compile", str(pack), "-o", str(tmp_path / "file" / "ruleset.ostiary")])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


SIGMA = "title: {0}\nid: {0}\nlogsource: {{{1}}}\ndetection: {{sel: {{{2}}}, condition: sel}}\n"
COUNT = "title: Count\ncorrelation: {type: event_count, rules: [Good], group-by: [url.path], timespan: 1h, condition: {gte: 3}}\n"


@pytest.fixture
def mixed(pack: Path) -> Path:
    (pack / "good.yaml").write_text(GOOD + "id: Good\n---\n" + COUNT)
    (pack / "web.yml").write_text(
        "---\n".join(
            [
                SIGMA.format("get", "category: webserver", "cs-method: GET"),
                SIGMA.format("status", "category: webserver", "sc-status: 500, cs-method: GET"),
                SIGMA.format("bytes", "category: proxy", "sc-bytes|gt: 5, sc-status: 200"),
                SIGMA.format("process", "category: process_creation, product: windows", "Image: x"),
                SIGMA.format("list", "category: webserver", "cs-method|expand: '%methods%'"),
            ]
        )
    )
    return pack


def test_check_says_why_rules_of_any_folder_never_apply(mixed: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(mixed), "--format", "json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert (report["parsed"], report["loaded"], report["applies"], report["refused_rules"]) == (7, 7, 3, 0)
    assert report["never_by"] == {
        "field": {"sc-status": 2, "sc-bytes": 1}, "logsource": {"windows/process_creation": 1}, "list": {"methods": 1},
    }  # fmt: skip
    assert report["never"]["bytes"] == {"kind": "field", "names": ["sc-bytes", "sc-status"]}


def test_check_says_of_each_rule_where_it_is_decided(mixed: Path) -> None:
    report = json.loads(CliRunner().invoke(app, ["check", str(mixed), "--format", "json"]).stdout)
    assert report["decided"] == {"Good": "request path", "Count": "record", "get": "request path"}
    assert report["because"] == {"Count": "it groups by `url.path`, not by the principal"}


def test_check_counts_for_people_and_lists_when_asked(mixed: Path) -> None:
    text = CliRunner().invoke(app, ["check", str(mixed), "--format", "text"]).stdout
    assert "2 files: 7 documents parsed, 7 rules load, 3 apply, 0 refused" in text
    assert "  decided by record: 1\n  decided on the request path: 2\n" in text
    assert "  does not apply, no request has its fields: 2 (sc-status 2, sc-bytes 1)" in text
    assert "not by the principal" not in text
    verbose = CliRunner().invoke(app, ["check", str(mixed), "--format", "text", "--verbose"]).stdout
    assert "it groups by `url.path`, not by the principal" in verbose
    assert "no request has its fields: sc-bytes, sc-status" in verbose


def test_check_counts_rules_that_are_refused(pack: Path) -> None:
    (pack / "bad.yaml").write_text(BAD)
    text = CliRunner().invoke(app, ["check", str(pack), "--format", "text"]).stdout
    assert "2 files: 2 documents parsed, 1 rule loads, 1 applies, 1 refused" in text
    assert "  refused, condition-undefined: 1" in text
