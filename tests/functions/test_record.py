"""record: images of the stream become verdicts and Findings, whatever comes twice, late, damaged or logged."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ostiary.judgement.judge import Judge
from ostiary.local.handlers import load
from ostiary.ruleset.artefact import dump, sealed
from ostiary.settings import Settings
from ostiary.stores.groups import GroupRepository
from ostiary.stores.memory import MemoryBackend, MemoryStateStore, MemoryVerdictStore
from ostiary.stores.schema import case_table
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plan import Equals
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.rule import Counter, Limit, Rule, Ruleset

NOW = 1_700_000_000.0
SETTINGS = Settings(mode="enforce", appeal="mailto:a@example.com", identifier_key="k" * 16)


def rules(most: int = 2) -> Ruleset:
    rule = Rule(
        0, "get-limit", "t", "v", "low", "request", plan=Equals("http.request.method", ("GET",)), mode="enforce", action="throttle",
        limit=Limit(most, 60, ("account.id",), counter="cget00"),
    )  # fmt: skip
    return sealed(Ruleset((rule,), (Counter("cget00", "limit", 60, 20, ("account.id",), (0,)),)))


class StillClock:
    def now(self) -> float:
        return NOW

    monotonic = now

    def offset(self) -> float:
        return 0.0


@pytest.fixture(scope="module")
def app() -> ModuleType:
    return load("record")


class Bench:
    def __init__(self, app: ModuleType, ruleset: Ruleset) -> None:
        self.store = MemoryStateStore(clock=StillClock())
        self.verdicts = MemoryVerdictStore(clock=StillClock())
        self.sent: list[Finding] = []
        self.queue = SimpleNamespace(send=self.sent.extend)
        self.logged: list[str] = []
        self.ruleset = ruleset
        groups = GroupRepository(MemoryBackend(StillClock()), case_table(SETTINGS))
        self.handler = app.assemble(
            SETTINGS, ruleset=ruleset, verdicts=self.verdicts, findings=self.queue, groups=groups, log=self.logged.append
        )

    def play(self, count: int, ruleset: Ruleset | None = None, prefix: str = "r") -> list[dict]:
        judge = Judge(ruleset or self.ruleset, self.store, StillClock(), SETTINGS, self.logged.append)
        for number in range(count):
            judge.judge(Request(f"{prefix}{number}", NOW, "test", "acct-1", None, {"http.request.method": "GET"}))
        return self.store.take_stream()

    def outcomes(self) -> list[str]:
        return sorted(verdict.effect.outcome for verdict in self.verdicts.of("account#acct-1", 100))


@pytest.fixture
def bench(app: ModuleType) -> Callable[..., Bench]:
    return lambda ruleset=None: Bench(app, ruleset or rules())


def test_every_request_gets_one_verdict_and_undo_writes_get_none(bench):
    b = bench()
    assert b.handler({"Records": b.play(4)}, None) == {"batchItemFailures": []}
    assert b.outcomes() == ["allowed", "allowed", "throttled", "throttled"]


def test_a_batch_delivered_three_times_makes_the_same_verdicts_and_findings_of_one_id(bench):
    b = bench()
    records = b.play(4)
    for _ in range(3):
        b.handler({"Records": records}, None)
    assert len(b.outcomes()) == 4
    assert {finding.id.split("|")[0] for finding in b.sent} == {"get-limit"}
    assert len({finding.id for finding in b.sent}) == 1


def test_a_foreign_write_that_repeats_a_request_makes_no_second_verdict(bench):
    b = bench()
    records = b.play(1)
    image = records[0]["dynamodb"]["NewImage"]
    records.append({**records[0], "eventID": "x", "dynamodb": {**records[0]["dynamodb"], "NewImage": {**image, "w": {"S": "facts"}}}})
    b.handler({"Records": records}, None)
    assert len(b.outcomes()) == 1


def test_a_poison_record_is_reported_by_its_sequence_number_and_the_rest_proceeds(bench):
    b = bench()
    records = b.play(2)
    poison = json.loads(json.dumps(records[0]))
    poison["dynamodb"]["NewImage"]["l"] = {"S": "[99]"}
    poison["dynamodb"]["SequenceNumber"] = "7"
    answer = b.handler({"Records": [poison, *records[1:]]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "7"}]}
    assert len(b.outcomes()) == 1
    assert "record" in b.logged[-1]


def test_a_request_decided_by_a_replaced_ruleset_is_derived_by_its_kept_artefact(bench):
    b = bench()
    older = rules(most=1)
    b.verdicts.keep_ruleset(older.digest, dump(older))
    b.handler({"Records": b.play(2, older)}, None)
    assert b.outcomes() == ["allowed", "throttled"]


def test_a_request_decided_by_an_unknown_ruleset_comes_again(bench):
    b = bench()
    answer = b.handler({"Records": b.play(1, rules(most=9))}, None)
    assert len(answer["batchItemFailures"]) == 1


def test_a_missing_rank_is_said(bench):
    b = bench()
    records = b.play(3)
    b.handler({"Records": [records[0], records[2]]}, None)
    assert any("ostiary.gap" in line for line in b.logged)


def test_a_logged_verdict_is_kept_and_outranks_the_images(bench):
    b = bench()
    judge = Judge(b.ruleset, _Dead(), StillClock(), SETTINGS, b.logged.append)
    verdict = judge.judge(Request("r0", NOW, "test", "acct-1", None, {"http.request.method": "GET"}))
    line = next(line for line in b.logged if "ostiary.verdict" in line)
    data = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"],
            "logEvents": [{"id": "1", "timestamp": 1, "message": line}, {"id": "2", "timestamp": 2, "message": "other"}]}  # fmt: skip
    packed = base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()
    b.handler({"awslogs": {"data": packed}}, None)
    b.handler({"Records": b.play(1)}, None)
    kept = b.verdicts.get("r0")
    assert kept.degraded
    assert replace(kept, evidence="") == replace(verdict, evidence="")


class _Dead(MemoryStateStore):
    def write(self, write):
        raise StoreError("no answer")


def test_the_function_is_a_page(app: ModuleType) -> None:
    assert len(Path(app.__file__).read_text().splitlines()) <= 150
