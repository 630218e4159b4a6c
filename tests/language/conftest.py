"""What the tests of the language share: packs written to a folder and compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.language.compile import Compiled, compile_paths
from ostiary.vocabulary.plan import Plan

Compile = Callable[..., Compiled]
NOW = 1_800_000_000.0


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Writes files (name → text) into one folder and compiles it."""

    def write(files: dict[str, str] | str, *, foreign_fields: bool = False) -> Compiled:
        for name, text in ({"rule.yaml": files} if isinstance(files, str) else files).items():
            path = tmp_path / "pack" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return compile_paths([tmp_path / "pack"], foreign_fields=foreign_fields, now=NOW)

    return write


@pytest.fixture
def plan(compiled: Compile) -> Callable[[str], Plan]:
    """The plan of a plain Sigma rule with this detection (indented by two), any field allowed."""

    def compile_detection(detection: str) -> Plan:
        done = compiled(f"title: T\nlogsource: {{category: webserver}}\ndetection:\n{detection}\n", foreign_fields=True)
        assert done.ruleset is not None, "\n".join(mistake.render() for mistake in done.mistakes)
        found = done.ruleset.rules[0].plan
        assert found is not None
        return found

    return compile_detection
