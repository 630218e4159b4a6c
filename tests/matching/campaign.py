"""The comparison with pySigma at length: ``python tests/matching/campaign.py --cases 100000 --seconds 900``.

Prints how far it is, each difference with its seed, and at the end one JSON line of counts. Exit code 1 when something differs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from types import ModuleType

BLOCK = 250
"""Cases that a process takes at once."""


def _agreement() -> ModuleType:
    spec = importlib.util.spec_from_file_location("matching_agreement", Path(__file__).parent / "agreement.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["matching_agreement"] = module
    spec.loader.exec_module(module)
    return module


def run(first: int) -> tuple[Counter[str], list[str]]:
    """One block of cases, from a seed on."""
    agreement = _agreement()
    counts: Counter[str] = Counter()
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + BLOCK):
            case = agreement.compare(Random(seed), Path(folder) / "rule.yaml")
            counts[case.outcome] += 1
            counts["events"] += 12 if case.outcome == "compared" else 0
            counts["matches"] += case.matches
            if case.outcome == "different":
                differences.append(f"seed {seed}: {case.why}\n{case.document}{case.event or ''}")
    return counts, differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=100_000, help="how many documents that both sides take")
    parser.add_argument("--seconds", type=float, default=900.0, help="stop after this long, however many are done")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    counts: Counter[str] = Counter()
    blocks = range(asked.seed, asked.seed + 3 * asked.cases, BLOCK)
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        for done, (found, differences) in enumerate(pool.imap_unordered(run, blocks), start=1):
            counts += found
            for difference in differences:
                print(difference, flush=True)
            seconds = time.monotonic() - started
            if done % 20 == 0:
                print(
                    f"{done * BLOCK:,} documents, {counts['compared']:,} compared, {counts['different']} differ, {seconds:.0f} s",
                    flush=True,
                )
            if counts["compared"] >= asked.cases or seconds > asked.seconds:
                pool.terminate()
                break
    documents = sum(counts[outcome] for outcome in ("compared", "refused", "ours-alone", "pysigma-alone", "read-apart", "different"))
    print(
        json.dumps({"documents": documents, **dict(sorted(counts.items())), "different": counts["different"], "seconds": round(seconds, 1)})
    )
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
