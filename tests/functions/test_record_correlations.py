"""record decides the correlations that the request path can't: whatever comes twice, late or in any order, on memory and on moto."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ostiary.judgement.features import left_to_record
from ostiary.judgement.judge import Judge
from ostiary.local.handlers import load
from ostiary.matching.correlate import Correlator
from ostiary.ruleset.artefact import sealed
from ostiary.settings import Settings
from ostiary.stores.dynamodb import DynamoBackend
from ostiary.stores.groups import GroupRepository
from ostiary.stores.memory import MemoryBackend, MemoryStateStore
from ostiary.stores.schema import case_table, create_tables
from ostiary.stores.signature import Credentials
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plan import Equals, Exists
from ostiary.vocabulary.request import Request, Value
from ostiary.vocabulary.rule import Correlation, Counter, Exemption, Rule, Ruleset

NOW = 1_700_000_100.0
SETTINGS = Settings(mode="enforce", appeal="mailto:a@example.com", identifier_key="k" * 16)
ANY, WRITES, SPREAD, MANY, SUM, QUIET, COUNTED, TWICE, THEN, NEVER = range(10)
_numbers = itertools.count()


def _rule(index: int, id: str, **more: Any) -> Rule:
    return Rule(index, id, id, "v", "high", "request", mode="enforce", **more)


def _over(kind: Any, rules: tuple[int, ...], group_by: tuple[str, ...], *conditions: tuple[str, float], **more: Any) -> Correlation:
    return Correlation(kind, rules, group_by, 60, conditions, **more)


def ruleset() -> Ruleset:
    """One detection that always matches, one of writes; correlations of every way of being decided, over both and over each other."""
    address = ("client.address",)
    return Ruleset(
        (
            _rule(ANY, "any", plan=Exists("http.request.method", True), generate=False),
            _rule(WRITES, "writes", plan=Equals("http.request.method", ("POST",))),
            _rule(SPREAD, "spread", correlation=_over("value_count", (ANY,), address, ("gte", 3), fields=("account.id",))),
            _rule(MANY, "many", correlation=_over("event_count", (ANY,), ("user_agent.original",), ("gte", 4))),
            _rule(SUM, "sum", correlation=_over("value_sum", (ANY,), address, ("gt", 10), fields=("body.n",))),
            _rule(QUIET, "quiet", correlation=_over("event_count", (ANY,), address, ("lt", 3))),
            _rule(COUNTED, "counted", correlation=_over("event_count", (ANY,), ("account.id",), ("gte", 2), counter="ccount")),
            _rule(TWICE, "twice", correlation=_over("event_count", (COUNTED,), ("account.id",), ("gte", 2))),
            _rule(THEN, "then", correlation=_over("temporal_ordered", (SPREAD, WRITES), address)),
            _rule(NEVER, "quiet-twice", correlation=_over("event_count", (QUIET,), address, ("gte", 1))),
        ),
        (Counter("ccount", "matches", 60, 20, ("account.id",), (ANY,)),),
        (Exemption("lab", ("acct-9",), (), ("strikes",), "contract", "dana", NOW + 10_000),),
    )


class Clock:
    time = NOW

    def now(self) -> float:
        return self.time

    monotonic = now

    def offset(self) -> float:
        return 0.0


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["memory", "moto"])
def groups(request: pytest.FixtureRequest) -> GroupRepository:
    if request.param == "memory":
        return GroupRepository(MemoryBackend(Clock()), case_table(Settings()))
    url = request.getfixturevalue("moto")
    mark = f"n{next(_numbers)}"
    settings = Settings(
        state_table=f"{mark}-s", verdict_table=f"{mark}-v", case_table=f"{mark}-c", endpoint=url, deadline=30, connect_timeout=30,
        read_timeout=30,
    )  # fmt: skip
    client = boto3.client("dynamodb", region_name="us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b")
    create_tables(client, settings, ttl=False)
    return GroupRepository(DynamoBackend(settings, credentials=lambda: Credentials("A", "s")), case_table(settings), ttl=False)


class Bench:
    """A judge whose records go to ``record``."""

    def __init__(self, groups: Any, rules: Ruleset | None = None) -> None:
        self.rules = rules or sealed(ruleset())
        self.clock = Clock()
        self.store = MemoryStateStore(clock=self.clock)
        self.judge = Judge(self.rules, self.store, self.clock, SETTINGS, print)
        self.sent: list[Finding] = []
        self.logged: list[str] = []
        self.asked = 0
        app: ModuleType = load("record")
        verdicts = SimpleNamespace(keep_ruleset=lambda digest, data: None, ruleset=lambda digest: None, upsert=lambda verdict: True)
        self.handler = app.assemble(
            SETTINGS, ruleset=self.rules, verdicts=verdicts, groups=groups,
            findings=SimpleNamespace(send=self.sent.extend), log=self.logged.append,
        )  # fmt: skip

    def ask(self, account: str = "acct-1", after: float = 1.0, **fields: Value) -> None:
        self.asked += 1
        self.clock.time += after
        named: dict[str, Value] = {"http.request.method": "GET", "client.address": "203.0.113.7"}
        named |= {name.replace("__", "."): value for name, value in fields.items()}
        self.judge.judge(Request(f"r{self.asked:03d}", self.clock.time, "test", account, "203.0.113.7", named))

    def records(self) -> list[dict[str, Any]]:
        return [one for one in self.store.take_stream() if one["dynamodb"]["NewImage"]["w"]["S"] == "request"]

    def take(self, records: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self.handler({"Records": self.records() if records is None else records}, None)
        return answer

    def sweep(self, after: float) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self.clock.time + after, UTC)
        answer: dict[str, Any] = self.handler({"source": "aws.events", "time": moment.isoformat()}, None)
        return answer

    def found(self, rule: str) -> list[Finding]:
        return [finding for finding in self.sent if finding.rule == rule]


@pytest.fixture
def bench(groups: GroupRepository) -> Callable[..., Bench]:
    return lambda rules=None: Bench(groups, rules)


def test_distinct_accounts_behind_one_address_are_a_finding_of_the_one_that_reached_it(bench: Callable[..., Bench]) -> None:
    b = bench()
    for account in ("acct-1", "acct-2", "acct-2", "acct-3"):
        b.ask(account)
    assert b.take() == {"batchItemFailures": []}
    (finding,) = b.found("spread")
    assert (finding.kind, finding.account, finding.verdict) == ("correlation", "account#acct-3", "r004")
    assert (finding.count, finding.threshold, finding.timespan, finding.mode) == (3, 3, 60, "enforce")
    assert "203.0.113.7" not in finding.id


def test_requests_without_the_field_are_not_counted_and_each_value_is_a_group(bench: Callable[..., Bench]) -> None:
    b = bench()
    for agents in (("x", "y"), ("x",), (), ("x", "y"), ("y", "x")):
        b.ask(user_agent__original=agents)
    b.take()
    (finding,) = b.found("many")
    assert (finding.count, finding.verdict) == (4, "r005")


def test_numbers_are_summed_also_where_they_are_written_as_text(bench: Callable[..., Bench]) -> None:
    b = bench()
    for number in (4, "4.5", "many", 1.5, True):
        b.ask(body__n=number)
    b.take()
    assert b.found("sum") == []
    b.ask(body__n=(0.25, 0.25))
    b.take()
    assert [finding.count for finding in b.found("sum")] == [10]


def test_a_correlation_of_the_request_path_counts_for_those_over_it_and_makes_no_second_finding(bench: Callable[..., Bench]) -> None:
    b = bench()
    for _ in range(3):
        b.ask()
    b.take()
    assert [finding.verdict for finding in b.found("twice")] == ["r003"]
    # The judge's own: once for each request that holds, of one id.
    assert {finding.id.split("|")[1] for finding in b.found("counted")} == {"account#acct-1"}


def test_a_sequence_over_a_correlation_of_values(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.ask(http__request__method="POST")
    for account in ("acct-1", "acct-2", "acct-3"):
        b.ask(account)
    b.take()
    assert b.found("then") == []
    b.ask("acct-4", http__request__method="POST")
    b.take()
    assert {finding.verdict for finding in b.found("then")} == {"r005"}


def test_redelivery_and_any_order_give_the_same_findings_and_count_nothing_twice(groups: GroupRepository) -> None:
    b = Bench(groups)
    rng = random.Random(4)
    for number in range(24):
        b.ask(f"acct-{rng.randrange(4)}", after=rng.choice([0, 1, 5, 20]), body__n=rng.randrange(4), user_agent__original=f"a{number % 2}")
    records = b.records()
    b.take(records)
    straight = said(b)
    assert len(straight) > 20
    b.sent.clear()
    for _ in range(3):
        b.take(records)
    assert said(b) == straight
    shuffled = Bench(GroupRepository(MemoryBackend(Clock()), case_table(Settings())))
    rng.shuffle(records)
    for start in range(0, len(records), 5):
        shuffled.take(records[start : start + 5])
    # On the way it may have said less of a request, never more, and of no other window.
    assert said(shuffled) >= straight
    assert {id for id, _, _ in said(shuffled)} == {id for id, _, _ in straight}


def said(bench: Bench) -> set[tuple[str, str, int]]:
    """What was reached while windows slid: a window that closes is decided once, over what had come by then."""
    return {(one.id, one.verdict, one.count) for one in bench.sent if one.rule not in ("quiet", "quiet-twice")}


class Failing:
    """A GroupStore that fails at its n-th call, before or after it did what was asked."""

    def __init__(self, store: GroupRepository, at: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, at, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any) -> Any:
            self._left -= 1
            answer = method(*arguments) if self._left or self._after else None
            if not self._left:
                raise StoreError("the store went away")
            return answer

        return call


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_between_any_two_calls_of_the_store_loses_and_doubles_nothing(after: bool) -> None:
    whole = Bench(GroupRepository(MemoryBackend(Clock()), case_table(Settings())))
    accounts = ("acct-1", "acct-2", "acct-3", "acct-1", "acct-1")
    for account in accounts:
        whole.ask(account, body__n=4)
    records = whole.records()
    whole.take(records)
    whole.sweep(1000)
    wanted = {finding.id: finding.count for finding in whole.sent}
    assert {finding.rule for finding in whole.sent} >= {"spread", "sum", "twice"}
    crashed = 0
    for at in range(1, 80):
        store = GroupRepository(MemoryBackend(Clock()), case_table(Settings()))
        b = Bench(Failing(store, at, after=after))
        failed = b.take(records)["batchItemFailures"]
        if failed:
            crashed += 1
            place = next(n for n, one in enumerate(records) if one["dynamodb"]["SequenceNumber"] == failed[0]["itemIdentifier"])
            b.take(records[place:])
        b.clock.time = whole.clock.time
        try:
            b.sweep(1000)
        except StoreError:
            # The service calls a scheduled function again.
            crashed += 1
            b.sweep(1000)
        assert {finding.id: finding.count for finding in b.sent} == wanted
    assert crashed > 20


def test_a_window_is_decided_by_the_scheduled_sweep_once(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.ask()
    b.ask()
    b.take()
    assert b.found("quiet") == []
    assert b.sweep(after=30) == {"decided": 0}
    assert b.sweep(after=1000) == {"decided": 1}
    (finding,) = b.found("quiet")
    assert (finding.count, finding.threshold, finding.verdict) == (2, 3, "r002")
    assert [one.verdict for one in b.found("quiet-twice")] == ["r002"]
    assert b.sweep(after=1000) == {"decided": 0}
    assert len(b.found("quiet")) == 1


def test_a_window_is_decided_by_a_later_record_of_any_group(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.ask()
    b.take()
    b.ask(after=1000, client__address="198.51.100.1")
    b.take()
    assert [finding.verdict for finding in b.found("quiet")] == ["r001"]


def test_a_window_with_too_many_makes_no_finding(bench: Callable[..., Bench]) -> None:
    b = bench()
    for _ in range(3):
        b.ask(after=0.5)
    b.take()
    assert b.sweep(after=1000) == {"decided": 1}
    assert b.found("quiet") == []


def test_strikes_that_an_exemption_waives_are_named(bench: Callable[..., Bench]) -> None:
    b = bench()
    for account in ("acct-1", "acct-2", "acct-9"):
        b.ask(account)
    b.take()
    assert [finding.waived for finding in b.found("spread")] == ["lab"]


def test_monitor_mode_makes_findings_that_may_only_watch(groups: GroupRepository) -> None:
    b = Bench(groups)
    b.store.set_mode("monitor")
    for account in ("acct-1", "acct-2", "acct-3"):
        b.ask(account)
    b.take()
    assert [finding.mode for finding in b.found("spread")] == ["monitor"]


def test_record_says_what_the_correlator_says_in_memory(groups: GroupRepository) -> None:
    b = Bench(groups)
    rng = random.Random(7)
    correlator = Correlator(b.rules, left_to_record(b.rules))
    wanted: set[tuple[str, str]] = set()
    for _ in range(40):
        account, method = f"acct-{rng.randrange(4)}", rng.choice(["GET", "POST"])
        address = f"203.0.113.{rng.randrange(2)}"
        number = rng.choice([1, 3, "5"])
        b.ask(account, rng.choice([0, 2, 30]), http__request__method=method, client__address=address, body__n=number)
        fields = {"http.request.method": method, "client.address": address, "body.n": number, "account.id": account}
        signals = [ANY, WRITES] if method == "POST" else [ANY]
        correlator.close(b.clock.time)
        held = correlator.observe(b.clock.time, f"r{b.asked:03d}", fields, signals)
        wanted |= {(b.rules.rules[index].id, f"r{b.asked:03d}") for index in held if index not in (COUNTED, QUIET, NEVER)}
    b.take()
    assert {(one.rule, one.verdict) for one in b.sent if one.rule not in ("counted", "quiet", "quiet-twice")} == wanted
    assert len(wanted) > 10


def test_no_text_of_a_request_is_kept(groups: GroupRepository) -> None:
    b = Bench(groups)
    b.ask(user_agent__original="a very telling agent")
    (record,) = b.records()
    text = record["dynamodb"]["NewImage"]["l"]["S"]
    assert "telling" not in text
    features = json.loads(text)[-1]
    assert sorted(features) == ["account.id", "client.address", "user_agent.original"]
    assert all(len(value) == 12 for values in features.values() for value in values)
