"""The stack under test: what `sam build` makes of this checkout, deployed to MiniStack as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from processes import Reply, Upstream, ask

ROOT = Path(__file__).resolve().parents[1]
RULES = Path(__file__).resolve().parent / "rules"
WORK = ROOT / "build" / "stack"
SAM_HOME = WORK / "sam"
BUILT = WORK / "built"
STACK = "ostiary"
STAGE = "live"
REGION = "us-east-1"
IDENTIFIER_KEY = "a secret of the local stack only"
APPEAL = "https://example.com/appeals"
HIDDEN = ("AWS", "MAKE", "MFLAGS", "OSTIARY", "PYTHON", "RULE", "SAM", "VIRTUAL_ENV")
"""First letters of the variables that no program here inherits: they would make it differ from a clean machine."""


def environment(**more: str) -> dict[str, str]:
    """A clean environment for a program: no AWS profile, no Python paths, dummy credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    return kept | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(SAM_HOME),
        "NO_PROXY": "127.0.0.1",
        **more,
    }


def run(command: Sequence[str], *, seconds: float, given: str = "", **variables: str) -> str:
    """Runs a program to its end, ``given`` on its standard input, and gives its output; an AssertionError that shows it when it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(**variables), input=given, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def sam(*arguments: str, seconds: float, **variables: str) -> str:
    return run([str(Path(sys.executable).parent / "sam"), *arguments], seconds=seconds, **variables)


def build() -> Path:
    """`sam build` without a container, with the rules of these tests; gives the folder of the result."""
    SAM_HOME.mkdir(parents=True, exist_ok=True)
    # As if it had looked for a newer version of itself in the year 3000: nothing here asks the network.
    (SAM_HOME / "metadata.json").write_text('{"lastVersionCheck": 32503680000}')
    ruleset = WORK / "ruleset.ostiary"
    variables = {"RULES": str(RULES.relative_to(ROOT)), "RULESET": str(ruleset.relative_to(ROOT))}
    sam("build", "--template-file", "template.yaml", "--build-dir", str(BUILT), seconds=600, **variables)
    return BUILT


def deploy(port: int, upstream: Upstream) -> None:
    """`sam deploy` of what ``build`` made, unmodified. The deadlines suit a loaded two-core machine, not a gate."""
    overrides = {
        "Upstream": upstream.url,
        "StageName": STAGE,
        "Mode": "enforce",
        "Appeal": APPEAL,
        "IdentifierKey": IDENTIFIER_KEY,
        "DeadlineMs": "8000",
        "ConnectMs": "2000",
        "ReadMs": "4000",
    }
    sam(
        *("deploy", "--template-file", str(BUILT / "template.yaml"), "--stack-name", STACK, "--resolve-s3"),
        *("--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar", "--region", REGION),
        *("--parameter-overrides", *(f'{name}="{value}"' for name, value in overrides.items())),
        seconds=300,
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
    )


@dataclass(frozen=True)
class Gate:
    """The deployed stack, and its upstream."""

    port: int
    upstream: Upstream

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: object = None) -> Reply:
        """A request to the API, the way MiniStack addresses a REST API's stage."""
        prefix = f"/restapis/{self.outputs['ApiId']}/{STAGE}/_user_request_"
        content = None if body is None else json.dumps(body).encode()
        return ask(self.port, method, prefix + path, headers={"Content-Type": "application/json"} | dict(headers or {}), body=content)

    def ostiary(self, *arguments: str, given: str = "") -> Any:
        """The operator's command line against the deployed tables; its JSON."""
        said = run(
            [str(ROOT / ".venv" / "bin" / "ostiary"), *arguments, "--format", "json"],
            seconds=60,
            given=given,
            AWS_ENDPOINT_URL=self.endpoint,
            OSTIARY_STATE_TABLE=self.outputs["StateTableName"],
            OSTIARY_VERDICT_TABLE=self.outputs["VerdictTableName"],
            OSTIARY_CASE_TABLE=self.outputs["CaseTableName"],
            OSTIARY_IDENTIFIER_KEY=IDENTIFIER_KEY,
            OSTIARY_APPEAL=APPEAL,
        )
        return json.loads(said)
