"""The function ``escalate`` over memory stores, with events as Lambda brings them from the FIFO queue."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ostiary.actions.sinks import MemorySink
from ostiary.language.escalation import canonical
from ostiary.local.handlers import Context, load
from ostiary.ruleset.artefact import sealed
from ostiary.settings import Settings
from ostiary.stores.clock import SystemClock
from ostiary.stores.memory import MemoryCaseStore, MemoryStateStore
from ostiary.vocabulary.case import Case, Finding
from ostiary.vocabulary.errors import RuleError, StoreError
from ostiary.vocabulary.plain import to_plain
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.rule import Ruleset

SETTINGS = Settings(identifier_key="0123456789abcdef", mode="enforce", appeal="https://appeal.example")
POLICY = Path(__file__).parents[2] / "rules" / "escalation.yaml"
Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]


class Flaky(MemoryCaseStore):
    """Fails for one account."""

    failing = ""

    def load(self, account: str) -> Case | None:
        if account == self.failing:
            raise StoreError("the table does not answer", applied=False)
        return super().load(account)


@dataclasses.dataclass
class Gate:
    handler: Handler
    cases: Flaky
    state: MemoryStateStore
    sink: MemorySink
    lines: list[str]

    def take(self, *findings: Finding | str) -> list[str]:
        """Sends the Findings as one batch; gives the ids of the messages that go back."""
        answer = self.handler({"Records": [message(number, one) for number, one in enumerate(findings)]}, Context("escalate"))
        return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


@pytest.fixture
def gate() -> Gate:
    ruleset = sealed(Ruleset((), escalation=canonical(yaml.safe_load(POLICY.read_text(encoding="utf-8")))))
    clock = SystemClock()
    cases, state, sink = Flaky(SETTINGS, clock=clock), MemoryStateStore(SETTINGS, clock=clock), MemorySink()
    lines: list[str] = []
    assemble = load("escalate").assemble
    handler = assemble(SETTINGS, ruleset=ruleset, cases=cases, state=state, notices=sink, clock=clock, log=lines.append)
    return Gate(handler, cases, state, sink, lines)


def message(number: int, finding: Finding | str) -> dict[str, Any]:
    """One message of an SQS event (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
    body = finding if isinstance(finding, str) else json.dumps(to_plain(finding))
    group = "poison" if isinstance(finding, str) else finding.account
    return {
        "messageId": f"m{number}",
        "receiptHandle": "r",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": group, "SequenceNumber": str(number)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:findings.fifo",
        "awsRegion": "us-east-1",
    }


def finding(id: str, account: str = "anna", **changes: Any) -> Finding:
    given: dict[str, Any] = {"rule": "keeps-probing", "version": "1", "level": "high", "topic": "logits", "kind": "correlation"}
    given |= {"time": 1.0, "timespan": 86_400, "count": 10, "threshold": 10, "mode": "enforce", "digest": "d", "verdict": "v"}
    return Finding(id=id, account=Principal("account", account).key, **(given | changes))


def test_a_flagrant_probe_in_one_batch_suspends_the_account(gate: Gate) -> None:
    assert gate.take(finding("1"), finding("2", rule="steals-logits", level="critical")) == []
    state = gate.state.read(Principal("account", "anna"))
    assert state is not None
    assert state.enforcement is not None
    assert (state.enforcement.stage, state.enforcement.deny) == ("suspend", True)
    assert [notice["stage"] for notice in gate.sink.published] == ["restrict", "suspend"]


def test_a_batch_delivered_three_times_moves_the_case_once(gate: Gate) -> None:
    for _ in range(3):
        gate.take(finding("1"), finding("2"))
    case = gate.cases.load("account#anna")
    assert case is not None
    assert case.version == 2
    assert len(gate.sink.published) == 1


def test_a_failure_sends_the_rest_of_its_group_back_and_the_others_go_on(gate: Gate) -> None:
    gate.cases.failing = "account#anna"
    back = gate.take(finding("1"), finding("2", "bert"), finding("3"), finding("4", "bert"))
    assert back == ["m0", "m2"]
    case = gate.cases.load("account#bert")
    assert case is not None
    assert case.version == 2
    assert any("the table does not answer" in line for line in gate.lines)


def test_a_message_that_holds_no_finding_goes_back_and_stops_nobody_else(gate: Gate) -> None:
    assert gate.take("{}", finding("1")) == ["m0"]
    assert gate.cases.load("account#anna") is not None


def test_a_scheduled_event_performs_what_waits(gate: Gate) -> None:
    gate.take(finding("1"))
    assert gate.handler({"source": "aws.events", "detail-type": "Scheduled Event"}, Context("escalate")) == {"swept": 1}


def test_a_policy_that_does_not_read_stops_the_function_at_its_start() -> None:
    ruleset = Ruleset((), escalation='{"escalation": "x"}')
    ports: dict[str, Any] = {"cases": None, "state": None, "notices": None, "clock": None, "log": print}
    with pytest.raises(RuleError, match="does not read"):
        load("escalate").assemble(SETTINGS, ruleset=ruleset, **ports)
