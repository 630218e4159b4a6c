"""One folder a mistake: ``rule.yaml`` and, word for word, what its author is told."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ostiary.language.compile import compile_paths
from ostiary.language.mistake import MAX_SOURCE_LINE_CHARS, Mistake

FOLDER = Path(__file__).parent / "mistakes"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
LANGUAGE = Path(__file__).parents[2] / "src" / "ostiary" / "language"
ELSEWHERE = {
    "encoding": "test_yaml",
    "file-size": "test_yaml",
    "file": "test_yaml",
    "no-rules": "test_compile",
    "empty-file": "test_compile",
    "duplicate-escalation": "test_compile",
    "escalation": "test_compile",
    "condition-size": "test_condition",
    "expression-size": "test_modifiers",
    "expression-conditional": "test_modifiers",
    "expand-size": "test_lists",
    "list-expired": "test_lists",
    "empty-list": "test_lists",
    "no-placeholder": "test_lists",
    "alias-unused": "test_correlation",
    "correlation-logsource": "test_correlation",
    "filter-keeps": "test_filter",
    "filter-nothing": "test_filter",
    "letter-case": "test_compile",
    "unused-selection": "test_condition",
    "exemption-expired": "test_compile",
}
"""Kinds of mistakes and warnings that a golden file cannot hold, with the module that tests them."""


def messages(case: str) -> str:
    done = compile_paths([Path("rule.yaml")], now=1_800_000_000.0)
    assert done.ruleset is None, case
    return "\n".join(mistake.render() for mistake in done.mistakes) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_the_author_is_told(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER / case)
    assert messages(case) == Path("expected.txt").read_text(encoding="utf-8")


def test_every_folder_is_a_case_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = 0
    for rule in sorted(FOLDER.glob("*/rule.yaml")):
        monkeypatch.chdir(rule.parent)
        assert messages(rule.parent.name) == Path("expected.txt").read_text(encoding="utf-8")
        ran += 1
    assert ran == len(list(FOLDER.iterdir())) >= 110


def test_every_kind_of_mistake_has_a_case() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*/expected.txt"))
    missing = {kind for kind in _kinds_in_the_source() if f"[{kind}]" not in shown} - set(ELSEWHERE)
    assert not missing


def test_kinds_that_are_tested_elsewhere_are_named_there() -> None:
    for kind, module in ELSEWHERE.items():
        assert f'"{kind}"' in (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8"), kind


def _kinds_in_the_source() -> set[str]:
    """The slugs that the language hands to ``refuse``, ``warn`` and its errors, read from its syntax trees."""
    found: set[str] = set()
    places = {"refuse": 1, "warn": 1, "ConditionError": 1, "ItemError": 0}
    for path in LANGUAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = places.get(name)
                argument = node.args[place] if place is not None and len(node.args) > place else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


def test_mistakes_of_a_folder_come_together_in_order_of_file_and_line(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "sub/c.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("title: [x]\nlogsource: {category: webserver}\ndetection:\n  sel: {a|startwith: b}\n  condition: sle\n")
    found = compile_paths([tmp_path]).mistakes
    places = [(Path(mistake.path).relative_to(tmp_path).as_posix(), mistake.line) for mistake in found]
    assert places == [(name, line) for name in ("a.yaml", "b.yaml", "sub/c.yaml") for line in (1, 4, 5)]


def test_a_long_line_is_cut_around_its_caret() -> None:
    mistake = Mistake("a.yaml", 1, 500, "kind", "message", "", "x" * 499 + "!" + "y" * 500)
    _, line, caret = mistake.render().split("\n")
    assert len(line) == MAX_SOURCE_LINE_CHARS + len("  | ")
    assert line[caret.index("^")] == "!"


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    mistake = Mistake("a.yaml", 1, 1, "kind", "an \x1b[31mescape\x9b", "", "\x1b]0;title\x07")
    assert "\x1b" not in mistake.render()
    assert "\x9b" not in mistake.render()


def test_tabs_do_not_move_the_caret() -> None:
    line, caret = Mistake("a.yaml", 1, 3, "kind", "message", "", "\t\tx").render().split("\n")[1:]
    assert line[caret.index("^")] == "x"
