"""What an import of the request path's functions brings into a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXCLUDED = (
    *("aws_lambda_powertools", "boto3", "botocore", "durable", "jsonschema", "moto", "pydantic", "requests", "rich", "sigma", "starlette"),
    *("typer", "urllib3", "uvicorn", "yaml", "asyncio", "ostiary.cli", "ostiary.language", "ostiary.local", "ostiary.enforcement"),
)
LOAD = """
import importlib.util, json, sys
before = set(sys.modules)
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
app.handler_of_process()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.mark.parametrize("function", ["authorize", "proxy"])
def test_a_function_of_the_request_path_imports_nothing_heavy(root: Path, tmp_path: Path, function: str) -> None:
    from ostiary.ruleset.artefact import dump
    from ostiary.vocabulary.rule import Ruleset

    artefact = tmp_path / "ruleset.ostiary"
    artefact.write_bytes(dump(Ruleset(rules=())))
    # The endpoint refuses connections: the function warms its connection at start, and must survive a store that is away.
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OSTIARY_", "LAMBDA_"))},
        "OSTIARY_IDENTIFIER_KEY": "sixteen characters",
        "OSTIARY_RULESET": str(artefact),
        "OSTIARY_UPSTREAM": "http://127.0.0.1:9",
        "OSTIARY_ENDPOINT": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    command = [sys.executable, "-c", LOAD, str(root / "functions" / function / "app.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = json.loads(done.stdout)
    assert "ostiary.judgement.judge" in imported
    assert [name for name in imported if name in EXCLUDED or name.startswith(tuple(f"{word}." for word in EXCLUDED))] == []
