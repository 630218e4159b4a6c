"""Fuzzing of the parser and of evaluation: ``python tests/fuzz/fuzz.py --cases 1000000``.

Half of the cases compile a mutated rule file, half evaluate and explain mutated events. Nothing may be raised but what an author or a
client is told, and nothing may take longer than ``MAX_MILLISECONDS`` of processor time (measured again three times before it counts as
slow). Prints how far it is, each finding with its seed, and at the end one JSON line. Exit code 1 when anything was found.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from ostiary.language.compile import compile_paths
from ostiary.local.events import BadEvent, fields_of
from ostiary.matching.evaluate import Evaluator
from ostiary.matching.explain import explain
from ostiary.matching.leaves import leaf_fields
from ostiary.matching.truth import leaves_of
from ostiary.vocabulary.errors import EventError
from ostiary.vocabulary.rule import Ruleset

BLOCK = 500
"""Cases that a process takes at once."""
MAX_MILLISECONDS = 50.0
HANG_SECONDS = 20
NOW = 1_800_000_000.0


def _beside(name: str) -> ModuleType:
    known = sys.modules.get(f"fuzz_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"fuzz_{name}"] = module
    spec.loader.exec_module(module)
    return module


mutate = _beside("mutate")


class Hangs(BaseException):
    """A case takes so long that nobody waits for its end."""


@dataclass(slots=True)
class Found:
    """What came of some cases."""

    cases: int = 0
    compiled: int = 0
    """Mutated rule files that were still without a mistake."""
    signals: int = 0
    refused: int = 0
    """Events that were none."""
    uncaught: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    """Milliseconds, and what took them."""

    def add(self, other: Found) -> None:
        self.cases += other.cases
        self.compiled += other.compiled
        self.signals += other.signals
        self.refused += other.refused
        self.uncaught += other.uncaught
        self.slow += other.slow
        self.slowest = max(self.slowest, other.slowest)


class Fuzzer:
    """The seeds, and the rules that mutated events are evaluated with."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "rule.yaml"
        self.documents = mutate.documents()
        self.events = mutate.events()
        compiled = compile_paths([mutate.ROOT / "rules"], now=NOW)
        assert compiled.ruleset is not None
        self.packs = Evaluator(compiled.ruleset)
        leaves = [leaf for rule in compiled.ruleset.rules if rule.plan for leaf in leaves_of(rule.plan)]
        self.fields = sorted(
            {name for leaf in leaves for name in leaf_fields(leaf)} | {"a", "b", "gen_ai.messages.text", "gen_ai.tools.name"}
        )

    def parse(self, seed: int, found: Found) -> None:
        """Compiles a mutated document; of one without mistakes the rules are evaluated, too."""
        random = Random(seed)
        text = mutate.mutated_document(self.documents, random)
        foreign = random.random() < 0.5
        self.file.write_bytes(text.encode("utf-8", "surrogatepass"))
        compiled: list[Ruleset | None] = []

        def act() -> None:
            done = compile_paths([self.file], foreign_fields=foreign, now=NOW)
            for mistake in (*done.mistakes, *done.warnings):
                mistake.render()
            compiled.append(done.ruleset)

        self._try(f"parse {seed}", act, found)
        if compiled and compiled[0] is not None:
            found.compiled += 1
            self._evaluate(f"parse {seed}", Evaluator(compiled[0], foreign=True), random, found)

    def evaluate(self, seed: int, found: Found) -> None:
        """Evaluates a mutated event with the packs."""
        self._evaluate(f"evaluate {seed}", self.packs, Random(seed), found)

    def _evaluate(self, name: str, evaluator: Evaluator, random: Random, found: Found) -> None:
        event = mutate.mutated_event(self.events, self.fields, random)
        try:
            fields = fields_of(event)
        except (BadEvent, EventError):
            found.refused += 1
            return
        self._try(
            name, lambda: setattr(found, "signals", found.signals + len(evaluator.evaluate(fields, random.choice((None, fields))))), found
        )
        rules = evaluator.ruleset.rules
        if rules:
            explain(evaluator.ruleset, random.randrange(len(rules)), fields, fields)

    def _try(self, name: str, act: Callable[[], None], found: Found) -> None:
        took = (
            min(_milliseconds(act), *(_milliseconds(act) for _ in range(3))) if (first := _milliseconds(act)) > MAX_MILLISECONDS else first
        )
        if took > MAX_MILLISECONDS:
            found.slow.append(f"{name}: {took:.1f} ms")
        found.slowest = max(found.slowest, (took, name))


def _milliseconds(act: Callable[[], None]) -> float:
    before = time.process_time()
    act()
    return (time.process_time() - before) * 1000


def run(first: int, cases: int = BLOCK) -> Found:
    """A block of cases, from a seed on."""
    found = Found()
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder))
        for seed in range(first, first + cases):
            one(fuzzer, seed, found)
    return found


def one(fuzzer: Fuzzer, seed: int, found: Found) -> None:
    """One case: a rule file of even seeds, an event of odd ones. Whatever it raises is a finding."""
    found.cases += 1
    try:
        (fuzzer.evaluate if seed % 2 else fuzzer.parse)(seed, found)
    except (Hangs, Exception) as error:  # noqa: BLE001 - what escapes is what is looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        found.uncaught.append(f"seed {seed}: {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})")


_FUZZER: list[Any] = []


def _watched(first: int) -> Found:
    """``run`` in a process that keeps its Fuzzer, and that ends a case that hangs."""
    if not _FUZZER:
        folder = tempfile.TemporaryDirectory()
        _FUZZER.extend((folder, Fuzzer(Path(folder.name))))
    signal.signal(signal.SIGALRM, _hangs)
    found = Found()
    for seed in range(first, first + BLOCK):
        signal.alarm(HANG_SECONDS)
        one(_FUZZER[1], seed, found)
    signal.alarm(0)
    return found


def _hangs(*_: object) -> None:
    raise Hangs(f"over {HANG_SECONDS} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    total = Found()
    blocks = iter(range(asked.seed, asked.seed + asked.cases, BLOCK))
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: dict[Future[Found], int] = {}
        while True:
            while len(running) < 2 * workers and (first := next(blocks, None)) is not None:
                running[pool.submit(_watched, first)] = first
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                first = running.pop(future)
                try:
                    found = future.result()
                except BrokenProcessPool:
                    print(f"a process died in one of the blocks {sorted([first, *running.values()])} of {BLOCK} seeds", flush=True)
                    return 1
                for line in (*found.uncaught, *found.slow):
                    print(line, flush=True)
                total.add(found)
                if total.cases % (40 * BLOCK) == 0:
                    print(f"{total.cases:,} cases, {time.monotonic() - started:.0f} s, slowest {total.slowest[0]:.1f} ms", flush=True)
    milliseconds, name = total.slowest
    counts = {"cases": total.cases, "compiled": total.compiled, "signals": total.signals, "events_refused": total.refused}
    findings = {"uncaught": len(total.uncaught), "slow": len(total.slow), "slowest_ms": round(milliseconds, 1), "slowest": name}
    print(json.dumps({**counts, **findings, "seconds": round(time.monotonic() - started, 1)}))
    return 1 if total.uncaught or total.slow else 0


if __name__ == "__main__":
    sys.exit(main())
