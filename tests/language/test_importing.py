"""``ostiary import``: published rules that apply, with their authors' words unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.language.compile import compile_paths
from ostiary.language.importing import import_rules

RULE = """\
# a comment of the author's
title: {title}
id: {id}
status: test
license: DRL-1.1
author: Somebody Else
references:
    - https://example.org/advisory
logsource:
    {logsource}
detection:
    selection:
        {item}
    condition: selection
level: high
"""
LIST = "list: agents\nowner: web team\nvalues: [bot]\n"


def rule(title: str, item: str = "cs-method: GET", logsource: str = "category: webserver") -> str:
    return RULE.format(title=title, id=f"id-{title}", item=item, logsource=logsource)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    files = {
        "web/get.yml": rule("get"),
        "web/status.yml": rule("status", "sc-status: 500"),
        "web/agents.yml": rule("agents", "c-useragent|contains|expand: '%agents%'"),
        "web/missing.yml": rule("missing", "c-useragent|contains|expand: '%nowhere%'"),
        "windows/process.yml": rule("process", "Image: x", "category: process_creation\n    product: windows"),
        "wrong.yml": rule("wrong", "cs-method|contians: GET"),
        "both.yml": rule("one") + "---\n" + rule("two", "sc-status: 1") + "---\n" + rule("three", "cs-method: PUT"),
        "braces.yml": "{title: braces, logsource: {category: webserver}, detection: {s: {cs-method: A}, condition: s}}\n",
        "ours.yml": rule("ours") + "ostiary: {mode: enforce, action: deny}\ntests: []\n",
        "monitored.yml": rule("monitored") + "ostiary: {clause: T-1}\n",
        "lists/agents.yaml": LIST,
        "lists/other.txt": "x\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(*words: str | Path) -> tuple[int, dict[str, object], str]:
    done = CliRunner().invoke(app, ["import", *map(str, words), "--format", "json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_the_rules_that_apply_become_a_pack_that_checks(published: Path, tmp_path: Path) -> None:
    code, report, _ = run(published, "-o", tmp_path / "pack", "--source", "example/rules")
    assert code == 0
    assert report["files"] == ["both.yml", "web/agents.yml", "web/get.yml", "lists/agents.yaml"]
    assert (report["parsed"], report["imported"], report["refused"]) == (12, 4, {"enforce-needs-tests": 2, "unknown-modifier": 1})
    done = compile_paths([tmp_path / "pack"])
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert {(one.id, one.mode, one.category) for one in done.ruleset.rules} == {
        (f"id-{name}", "monitor", "request") for name in ("get", "agents", "one", "three")
    }


def test_a_file_keeps_every_line_of_its_author(published: Path, tmp_path: Path) -> None:
    run(published, "-o", tmp_path / "pack", "--source", "example/rules")
    lines = (tmp_path / "pack" / "web" / "get.yml").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# Imported from example/rules/web/get.yml;")
    assert lines[1:-1] == rule("get").splitlines()
    assert lines[-1] == "ostiary: {mode: monitor}"


def test_a_file_of_several_rules_keeps_those_that_apply(published: Path, tmp_path: Path) -> None:
    run(published, "-o", tmp_path / "pack")
    text = (tmp_path / "pack" / "both.yml").read_text(encoding="utf-8")
    first, second = text.split("---\n")
    assert "title: one" in first and "title: three" in second and "title: two" not in text
    assert first.endswith("ostiary: {mode: monitor}\n") and second.endswith("ostiary: {mode: monitor}\n")


def test_it_says_what_is_left_out_and_why(published: Path, tmp_path: Path) -> None:
    _, report, _ = run(published, "-o", tmp_path / "pack")
    assert report["never_by"] == {
        "field": {"sc-status": 2}, "list": {"nowhere": 1}, "logsource": {"windows/process_creation": 1},
    }  # fmt: skip
    left = report["left"]
    assert isinstance(left, dict)
    assert {rule: "braces" in why or "ostiary" in why for rule, why in left.items()} == {"braces": True, "id-monitored": True}


def test_a_folder_that_is_not_empty_is_never_overwritten_without_force(published: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "mine.yaml").write_text("mine")
    code, _, complaint = run(published, "-o", pack)
    assert code == 2 and "--force" in complaint
    assert [path.name for path in pack.iterdir()] == ["mine.yaml"]
    code, _, _ = run(published, "-o", pack, "--force")
    assert code == 0
    assert (pack / "mine.yaml").read_text() == "mine"
    assert (pack / "web" / "get.yml").exists()


def test_importing_again_gives_the_same_files(published: Path, tmp_path: Path) -> None:
    run(published, "-o", tmp_path / "one")
    run(published, "-o", tmp_path / "two")
    one, two = (
        {path.relative_to(pack): path.read_bytes() for path in pack.rglob("*.y*ml")} for pack in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two and one


def test_a_filter_and_a_correlation_travel_with_their_rules(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    head = "title: Health\nid: health\nlogsource: {category: webserver}\n"
    health = head + "filter:\n  rules: any\n  s: {cs-uri-stem: /health}\n  condition: not s\n"
    unused = health.replace("webserver", "proxy").replace("Health", "Unused").replace("health", "unused")
    count = (
        "title: Count\ncorrelation:\n  type: event_count\n  rules: [id-get]\n  group-by: [c-ip]\n  timespan: 1m\n  condition: {gte: 9}\n"
    )
    (folder / "get.yml").write_text("---\n".join([count, rule("get"), health, unused]))
    imported = import_rules(folder, "x")
    assert set(imported.rules) == {"Count", "id-get", "health"}
    (text,) = imported.files.values()
    assert text.count("ostiary: {mode: monitor}") == 2
    assert "unused" not in text


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_line_breaks_and_marks_of_the_byte_order_are_read(tmp_path: Path, line_break: str) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    text = f"---\n{rule('get')}...\n---\n{rule('put')}"
    (folder / "get.yml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", line_break).encode())
    imported = import_rules(folder, "x")
    assert imported.rules == ("id-get", "id-put")


def test_people_get_a_summary(published: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["import", str(published), "-o", str(tmp_path / "pack"), "--format", "text"])
    assert "12 documents parsed" in done.stdout
    assert "does not apply, no request has its fields: 2 (sc-status 2)" in done.stdout
    assert "4 rules in 4 files, in monitor mode" in done.stdout


def test_what_is_no_folder_is_said_so(tmp_path: Path) -> None:
    code, _, complaint = run(tmp_path / "nowhere", "-o", tmp_path / "pack")
    assert (code, "no folder" in complaint) == (2, True)
