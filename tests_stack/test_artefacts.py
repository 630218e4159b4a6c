"""Each built function by itself: an interpreter that sees its folder and nothing else of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from stack import Gate, environment

FUNCTIONS = ("AuthorizeFunction", "ProxyFunction", "RecordFunction", "EscalateFunction")
WITH_RUNTIMES_BOTO3 = ("RecordFunction", "EscalateFunction")
"""Functions that use the boto3 of Lambda's python3.12 (docs/decisions.md)."""
RUNTIMES_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
MAX_REQUEST_PATH_BYTES = 8_000_000
IMPORT = "import sys; sys.path[:0] = sys.argv[1:]; import app; assert callable(app.handler); print('\\n'.join(sorted(sys.modules)))"


def variables(gate: Gate, function: str) -> Mapping[str, str]:
    """The environment that the template gave the deployed function."""
    stack = gate.client("cloudformation").describe_stack_resource(StackName="ostiary", LogicalResourceId=function)
    name = stack["StackResourceDetail"]["PhysicalResourceId"]
    configuration: Any = gate.client("lambda").get_function_configuration(FunctionName=name)
    return configuration["Environment"]["Variables"] | {"AWS_LAMBDA_FUNCTION_NAME": name}


@pytest.fixture
def runtimes_packages(tmp_path: Path) -> Path:
    """A folder with what Lambda's runtime brings along, and no more."""
    (packages,) = (Path(folder) for folder in sys.path if folder.endswith("site-packages"))
    for name in RUNTIMES_PACKAGES:
        (tmp_path / name).symlink_to(packages / name)
    return tmp_path


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_function_starts_with_what_it_ships(gate: Gate, built: Path, runtimes_packages: Path, function: str) -> None:
    folders = [str(built / function), *([str(runtimes_packages)] if function in WITH_RUNTIMES_BOTO3 else [])]
    given = variables(gate, function) | {"AWS_ENDPOINT_URL": gate.endpoint, "LAMBDA_TASK_ROOT": str(built / function)}
    # -I and -S: no site-packages, no PYTHONPATH, not even the folder of this test. Named like in Lambda, it assembles itself at import.
    command = [sys.executable, "-I", "-S", "-c", IMPORT, *folders]
    done = subprocess.run(command, env=environment(**given), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    if function not in WITH_RUNTIMES_BOTO3:
        assert not {"boto3", "botocore", "aws_lambda_powertools", "durable", "yaml", "pydantic"} & set(done.stdout.split())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_function_holds_neither_the_language_nor_the_command_line(built: Path, function: str) -> None:
    rooms = {path.name for path in (built / function / "ostiary").iterdir() if path.is_dir()}
    assert {"vocabulary", "ruleset"} <= rooms
    assert not rooms & {"cli", "language", "local"}
    assert (built / function / "ruleset.ostiary").stat().st_size > 0


@pytest.mark.parametrize("function", ["AuthorizeFunction", "ProxyFunction"])
def test_a_function_of_the_request_path_stays_small(built: Path, function: str) -> None:
    size = sum(path.stat().st_size for path in (built / function).rglob("*") if path.is_file())
    assert size < MAX_REQUEST_PATH_BYTES
