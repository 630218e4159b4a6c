"""What an installed Ostiary brings with it: the handlers and the starter pack."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def test_a_wheel_holds_the_handlers_and_the_starter_pack(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    handlers = {f"ostiary/_shipped/functions/{path.parent.name}/app.py" for path in root.glob("functions/*/app.py")}
    rules = {f"ostiary/_shipped/{path.relative_to(root).as_posix()}" for path in root.glob("rules/**/*.yaml")}
    assert handlers
    assert rules
    assert handlers | rules | {"ostiary/py.typed", "ostiary/cli/__init__.py"} <= names
    assert [name for name in names if "__pycache__" in name or name.startswith("tests")] == []
