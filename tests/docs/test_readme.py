"""The README's first rule is what the program does: each command runs, each output is compared (… stands for anything)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [body for found, body in BLOCK.findall(README.read_text()) if found == language]


def steps(block: str) -> list[tuple[str, str]]:
    """(command, expected output) of a console block."""
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        found.append((command, output))
    return found


def squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def matches(expected: str, given: str) -> bool:
    # A lone … at a line's start stands for any lines; within a line for any text of it. `account.…` in a hint is meant literally.
    pattern = re.escape(squeezed(expected)).replace(re.escape("`account.…`"), "`account\\.…`")
    pattern = re.sub(r"(?<![.`])…(?!`)", ".*", pattern)
    return re.fullmatch(pattern, squeezed(given), re.DOTALL) is not None


def test_the_first_rule_in_the_readme_does_what_the_readme_shows(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (rule,) = blocks("yaml")
    (tmp_path / "first/quota.yaml").write_text(rule)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "120"}
    run = 0
    for command, expected in (step for block in blocks("console") for step in steps(block)):
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        given = done.stdout + done.stderr
        assert matches(expected, given), f"$ {command}\n{given}"
        run += 1
    assert run == 5


def test_the_make_targets_that_the_readme_names_exist() -> None:
    makefile = (README.parent / "Makefile").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README.read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_every_page_that_the_readme_links_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    assert len(links) >= 6
    assert [link for link in links if not (README.parent / link).exists()] == []
