"""The locked requirements: by hash, from no named index, and the same versions in tests and in functions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted([*ROOT.glob("requirements-*.txt"), *ROOT.glob("functions/*/requirements.txt")])
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^ ;\\]+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    return {re.sub(r"[-_.]+", "-", match["name"]).lower(): match["version"] for match in _PIN.finditer(lock.read_text())}


def wanted(text: str) -> set[str]:
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in text.splitlines() if not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


def ids(lock: Path) -> str:
    return str(lock.relative_to(ROOT))


def test_there_is_a_lock_for_each_environment_and_each_function() -> None:
    assert {ids(lock) for lock in LOCKS} == {
        "requirements-build.txt",
        "requirements-dev.txt",
        "requirements-stack.txt",
        *(f"functions/{path.parent.name}/requirements.txt" for path in ROOT.glob("functions/*/app.py")),
    }


@pytest.mark.parametrize("lock", LOCKS, ids=ids)
def test_a_lock_names_no_index_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert [line for line in text.splitlines() if line.startswith("-")] == []


@pytest.mark.parametrize("lock", LOCKS, ids=ids)
def test_every_requirement_of_a_lock_has_a_version_and_a_hash(lock: Path) -> None:
    matches = list(_PIN.finditer(lock.read_text()))
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))]
    assert len(matches) == len(lines) > 0
    assert [match["name"] for match in matches if "--hash=sha256:" not in match["rest"]] == []


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock.with_suffix(".in").exists()], ids=ids)
def test_a_lock_holds_what_was_asked_for(lock: Path) -> None:
    assert wanted(lock.with_suffix(".in").read_text()) <= set(pins(lock))


@pytest.mark.parametrize("lock", sorted(ROOT.glob("functions/*/requirements.txt")), ids=ids)
def test_a_function_ships_the_versions_that_the_tests_use(lock: Path) -> None:
    tested = pins(ROOT / "requirements-dev.txt")
    assert {name: version for name, version in pins(lock).items() if tested.get(name) != version} == {}


@pytest.mark.parametrize("function", ["authorize", "proxy"])
def test_the_request_path_ships_one_package(function: str) -> None:
    assert set(pins(ROOT / "functions" / function / "requirements.txt")) == {"google-re2"}
