"""What the tests of this room share: the shipped policy, its engine, and Findings made to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ostiary.enforcement.durable import DurableEngine
from ostiary.enforcement.policy import Policy, parse
from ostiary.language.escalation import canonical
from ostiary.vocabulary.case import Finding

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def document() -> Mapping[str, Any]:
    """The shipped policy as YAML gives it."""
    return yaml.safe_load((ROOT / "rules" / "escalation.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def policy(document: Mapping[str, Any]) -> Policy:
    return parse(canonical(document))


@pytest.fixture(scope="session")
def engine(policy: Policy) -> DurableEngine:
    return DurableEngine(policy)


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """A Finding; its id counts up, so that each is new."""
    made = 0

    def make(**changes: Any) -> Finding:
        nonlocal made
        made += 1
        given: dict[str, Any] = {
            "id": f"finding-{made}",
            "rule": "logit-probe-repeated",
            "version": "0123456789ab",
            "level": "high",
            "topic": "logits",
            "kind": "correlation",
            "account": "account#acct-7",
            "time": 1_000_000.0 + made,
            "timespan": 86_400,
            "count": 20,
            "threshold": 20,
            "mode": "enforce",
            "digest": "d" * 64,
            "verdict": f"request-{made}",
            "clause": "T-4.2",
        }
        return Finding(**(given | changes))

    return make
