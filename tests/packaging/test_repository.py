"""What is committed runs anywhere: no address of an index, no path of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

_INDEX = re.compile(rb"https?://[^/\s]*(?:pypi|pythonhosted)")


@pytest.fixture(scope="module")
def files(root: Path) -> list[Path]:
    if not (root / ".git").exists():
        pytest.skip("this is no git checkout, so nothing says which files are committed")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [path for path in (root / name for name in listed.split("\0") if name) if path.is_file()]


def test_no_file_names_an_index(root: Path, files: list[Path]) -> None:
    assert [str(path.relative_to(root)) for path in files if _INDEX.search(path.read_bytes())] == []


def test_no_file_names_the_folder_of_its_checkout(root: Path, files: list[Path]) -> None:
    checkout = str(root).encode()
    assert [str(path.relative_to(root)) for path in files if checkout in path.read_bytes()] == []


def test_the_licence_is_apaches_in_full(root: Path) -> None:
    text = (root / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in (root / "pyproject.toml").read_text()
