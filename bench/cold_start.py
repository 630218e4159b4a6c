"""Cold start: what the request path costs a fresh process, beside boto3's client in one.

Each round starts both, one after the other, in fresh interpreters; the ratio is taken pair by pair, so that a machine whose speed
drifts does not decide it. Last line: one JSON object, documented in ``bench/README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from ostiary.language.compile import compile_paths
from ostiary.ruleset.artefact import dump

ROOT = Path(__file__).parents[1]
EMPTY = "pass"
OURS = """
import sys
sys.path.insert(0, {function!r})
import app
from pathlib import Path
from ostiary.judgement.judge import Judge
from ostiary.ruleset.artefact import load
from ostiary.settings import Settings
from ostiary.stores.clock import SystemClock
from ostiary.stores.dynamodb import DynamoStateStore
settings = Settings.from_environment()
clock = SystemClock()
store = DynamoStateStore(settings, clock=clock)
Judge(load(Path({artefact!r}).read_bytes()), store, clock, settings, print)
"""
PEER = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
ENVIRONMENT = {
    "OSTIARY_IDENTIFIER_KEY": "a benchmark's identifier key",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def measured(program: str, bytecode: str) -> float:
    """Processor seconds (user and system) of one fresh interpreter that runs a program, its modules compiled before, as in Lambda."""
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def spread(values: Sequence[float]) -> dict[str, float]:
    """min, median and max, which show how noisy the machine was."""
    return {"min": round(min(values), 3), "median": round(median(values), 3), "max": round(max(values), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rules", type=Path, default=ROOT / "rules")
    chosen = parser.parse_args()
    compiled = compile_paths([chosen.rules])
    assert compiled.ruleset is not None, f"{chosen.rules} has mistakes; run ostiary check"
    with tempfile.TemporaryDirectory() as folder:
        artefact = Path(folder, "ruleset.ostiary")
        artefact.write_bytes(dump(compiled.ruleset))
        programs = {"empty": EMPTY, "us": OURS.format(function=str(ROOT / "functions/proxy"), artefact=str(artefact)), "boto3": PEER}
        for program in programs.values():
            measured(program, folder)
        rounds = [{name: measured(program, folder) for name, program in programs.items()} for _ in range(chosen.rounds)]
    for name in programs:
        print(f"{name:>6}  ms of processor time {spread([one[name] * 1000 for one in rounds])}", file=sys.stderr)
    over = [(one["us"] - one["empty"]) / max(1e-9, one["boto3"] - one["empty"]) for one in rounds]
    ratio = spread([one["us"] / one["boto3"] for one in rounds])
    print(
        json.dumps(
            {"rules": len(compiled.ruleset.rules), "rounds": chosen.rounds, "cold_ratio_to_boto3": ratio, "over_empty": spread(over)}
        )
    )


if __name__ == "__main__":
    main()
