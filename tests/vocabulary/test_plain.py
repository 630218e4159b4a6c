"""Frozen data survives its way through JSON; what is wrong is named."""

from __future__ import annotations

import json

import pytest

from ostiary.vocabulary.case import Action, Case, CaseStep, Finding
from ostiary.vocabulary.plain import from_plain, to_plain
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement, State
from ostiary.vocabulary.verdict import Count, Effect, EnforcementRef, RuleRef, Verdict

EFFECT = Effect("throttled", (), "limit_exceeded", "r", 3, 9.5, "T-1", None)
EXAMPLES = [
    Verdict(
        "id", 1.0, "account#a", "a", None, "rest_proxy", "POST", "/v1", EFFECT, EFFECT, (RuleRef("r", "v", "low", "enforce"),),
        (Count("r", 4, 3, 60, 1.5, "limit"),), "d", "enforce", EnforcementRef("watch", "c", 1, None), None, True, 12, 3, "h", "{}",
    ),
    State(Principal("account", "a"), 3, {"b.1": 2}, {"account.plan": "free", "account.age": 3, "account.new": True},
          Enforcement("warn", "c", 2, 1.0, None, withhold=("logprobs",))),
    Finding("i", "r", "v", "high", "t", "limit", "account#a", 1.0, 60, 4, 3, "enforce", "d", "v", None, None),
    Case("account#a", 2, "warn", None, 4, 1.0, ("r",), ("f",), 1.0, 2.0,
         (CaseStep(1, 1.0, "watch", "watch", "f", "p", ("r",), 1, "escalate"),)),
    Action("k", "enforce", "account#a", 2, 1.0, Enforcement("restrict", "c", 2, 1.0, 5.0), {"text": "hello"}),
]  # fmt: skip


@pytest.mark.parametrize("value", EXAMPLES, ids=lambda value: type(value).__name__)
def test_a_noun_survives_json(value: object) -> None:
    assert from_plain(type(value), json.loads(json.dumps(to_plain(value)))) == value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": 1}, r"unknown keys \['colour'\]"),
        ({"outcome": "refused"}, "none of"),
        ({"withhold": "reasoning"}, "expected a list"),
        ({"retry_after": "soon"}, "retry_after"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_plain(Effect, to_plain(EFFECT) | change)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ValueError, match=r"missing keys \['id'\]"):
        from_plain(Principal, {"kind": "account"})


def test_only_mappings_make_nouns() -> None:
    with pytest.raises(ValueError, match="expected a mapping"):
        from_plain(Principal, ["account", "a"])
