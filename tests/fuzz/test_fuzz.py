"""A seeded slice of ``make fuzz``: nothing escapes. Time is looked at there alone."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


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


fuzz = _beside("fuzz")
SLICE = 1200


def test_mutated_rules_and_events_raise_nothing_but_what_their_authors_are_told() -> None:
    found = fuzz.run(0, SLICE)
    assert found.uncaught == []
    assert found.cases == SLICE
    assert found.compiled > SLICE / 50 and found.signals > SLICE / 10
    assert found.refused < SLICE / 4


def test_what_escapes_is_reported_with_its_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fuzzer = fuzz.Fuzzer(tmp_path)

    def broken(_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(fuzz, "fields_of", broken)
    found = fuzz.Found()
    fuzz.one(fuzzer, 3, found)
    assert found.uncaught[0].startswith("seed 3: KeyError: 'x' (test_fuzz.py:")


def test_a_case_is_the_same_each_time_that_its_seed_is_used() -> None:
    seeds = fuzz.mutate.documents()
    drawn = [fuzz.mutate.mutated_document(seeds, fuzz.Random(seed)) for seed in range(50)]
    assert drawn == [fuzz.mutate.mutated_document(seeds, fuzz.Random(seed)) for seed in range(50)]
    assert len(set(drawn)) > 40
