"""Set-up and builds say what is missing, before it fails for want of it."""

from __future__ import annotations

import os
import runpy
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def check_system(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "tools" / "check_system.py"))


@pytest.fixture
def check_function(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "tools" / "check_function.py"))


def program(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def find(root: Path, path: Path, *versions: str) -> subprocess.CompletedProcess[str]:
    for tool in ("sed", "sh"):
        (path / tool).symlink_to(f"/bin/{tool}")
    command = ["/bin/sh", str(root / "tools" / "find-python"), *versions]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def test_a_missing_compiler_is_named_with_its_packages(
    check_system: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert ("a C compiler", "gcc libc6-dev", "gcc") in check_system["missing"]()


def test_missing_headers_are_named_for_the_python_at_hand(
    check_system: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert check_system["main"]() == 1
    said = capsys.readouterr().err
    assert f"apt-get install python{version}-dev" in said
    assert f"dnf install python{version}-devel" in said


def test_a_system_with_everything_passes(check_system: dict[str, Any]) -> None:
    assert check_system["missing"]() == []


def test_a_python_that_only_says_it_is_not_there_is_passed_over(root: Path, tmp_path: Path) -> None:
    program(tmp_path, "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    program(tmp_path, "python3.11", 'case "$2" in *version_info*) echo 3.11 ;; *) echo /there/python3.11 ;; esac')
    found = find(root, tmp_path, "3.12", "3.11")
    assert (found.returncode, found.stdout) == (0, "/there/python3.11\n")


def test_when_no_python_fits_the_message_says_what_to_install(root: Path, tmp_path: Path) -> None:
    found = find(root, tmp_path, "3.12")
    assert found.returncode == 1
    assert "apt-get install python3.12" in found.stderr
    assert "pyenv install 3.12" in found.stderr


def test_a_built_function_that_needs_a_newer_c_library_than_lambdas_is_refused(
    check_function: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fine.so").write_bytes(b"\0GLIBC_2.2.5\0GLIBC_2.34\0")
    assert check_function["main"](tmp_path) == 0
    (tmp_path / "late.cpython-312-x86_64-linux-gnu.so").write_bytes(b"\0GLIBC_2.2.5\0GLIBC_2.38\0")
    assert check_function["main"](tmp_path) == 1
    said = capsys.readouterr().err
    assert "late.cpython-312-x86_64-linux-gnu.so needs glibc 2.38" in said
    assert "fine.so" not in said


def test_help_lists_every_command_of_the_makefile(root: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(["make", "help"], cwd=root, env=environment, capture_output=True, text=True, check=True).stdout
    for command in ("setup", "demo", "dev", "test", "lint", "test-stack", "ruleset", "clean"):
        assert f"  make {command} " in said
