"""A small Ruleset, a clock that stands still, and a store that can be made to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from ostiary.judgement.judge import Judge
from ostiary.ruleset.artefact import sealed
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryStateStore
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plan import Equals, Glob, Wild
from ostiary.vocabulary.request import Principal, Request, Scalar, Value
from ostiary.vocabulary.rule import Correlation, Counter, Exemption, Limit, Rule, Ruleset
from ostiary.vocabulary.state import Control, State, StateWrite

NOW = 1_700_000_000.0
ACCOUNT = Principal("account", "acct-1")

FREE, PHRASE, KEEPS, BLOCKED, TRIAL, ANYONE = range(6)


def ruleset(**changes: object) -> Ruleset:
    """A limit for the free plan (a fact), a phrase, a correlation over it, a plain denial, a monitored limit, an address limit."""
    rules = (
        Rule(
            FREE,
            "free-limit",
            "Free plan limit",
            "v1",
            "low",
            "request",
            plan=Equals("account.plan", ("free",)),
            mode="enforce",
            action="throttle",
            limit=Limit(3, 60, ("account.id",), counter="cfree0"),
            clause="T-2.1",
        ),
        Rule(
            PHRASE,
            "phrase",
            "Asks for reasoning",
            "v1",
            "low",
            "request",
            plan=Glob("gen_ai.prompt.last", (Wild.ANY, "verbatim", Wild.ANY)),
        ),
        Rule(
            KEEPS,
            "keeps-asking",
            "Keeps asking",
            "v1",
            "high",
            "request",
            topic="extraction",
            correlation=Correlation("event_count", (PHRASE,), ("account.id",), 86_400, (("gte", 3.0),), counter="ckeeps"),
            mode="enforce",
            action="withhold",
            withhold=("reasoning",),
            clause="T-4.1",
        ),
        Rule(
            BLOCKED,
            "blocked-method",
            "Blocked method",
            "v1",
            "medium",
            "request",
            plan=Equals("http.request.method", ("TRACE",)),
            mode="enforce",
            action="deny",
        ),
        Rule(
            TRIAL,
            "trial-limit",
            "Monitored limit",
            "v1",
            "low",
            "request",
            plan=Equals("http.request.method", ("PUT",)),
            action="throttle",
            limit=Limit(1, 60, ("account.id",), counter="ctrial"),
        ),
        Rule(
            ANYONE,
            "address-limit",
            "Unidentified limit",
            "v1",
            "low",
            "request",
            plan=Equals("http.request.method", ("GET",)),
            mode="enforce",
            action="throttle",
            limit=Limit(2, 60, ("client.address",), counter="caddr0"),
        ),
    )
    counters = (
        Counter("cfree0", "limit", 60, 20, ("account.id",), (FREE,)),
        Counter("ckeeps", "matches", 86_400, 20, ("account.id",), (PHRASE,)),
        Counter("ctrial", "limit", 60, 20, ("account.id",), (TRIAL,)),
        Counter("caddr0", "limit", 60, 20, ("client.address",), (ANYONE,)),
    )
    return sealed(replace(Ruleset(rules, counters), **changes))  # type: ignore[arg-type]


def exemption(**changes: object) -> Exemption:
    base = Exemption("northlab", ("acct-1",), (), ("throttle", "withhold", "strikes"), "contract", "dana", NOW + 1000)
    return replace(base, **changes)  # type: ignore[arg-type]


@dataclass
class StillClock:
    time: float = NOW
    corrected: float = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def offset(self) -> float:
        return self.corrected


class FailingStore(MemoryStateStore):
    """Counts its writes; raises what it is told to, by writer."""

    def __init__(self, clock: StillClock) -> None:
        super().__init__(clock=clock)
        self.fails: dict[str, StoreError] = {}
        self.writes: list[StateWrite] = []
        self.controls = 0

    def write(self, write: StateWrite) -> State:
        self.writes.append(write)
        if write.writer in self.fails:
            raise self.fails[write.writer]
        return super().write(write)

    def control(self, address: Principal | None, default: str) -> Control:  # type: ignore[override]
        self.controls += 1
        if "control" in self.fails:
            raise self.fails["control"]
        return super().control(address, default)  # type: ignore[arg-type]


@dataclass
class Bench:
    """A Judge with everything around it."""

    clock: StillClock
    store: FailingStore
    logged: list[str]
    judge: Judge
    rules: Ruleset
    asked: int = 0
    settings: Settings = field(default_factory=Settings)

    def request(self, account: str | None = "acct-1", address: str | None = "203.0.113.7", **fields: Value) -> Request:
        self.asked += 1
        named: dict[str, Value] = {name.replace("__", "."): value for name, value in fields.items()}
        return Request(f"r-{self.asked}", self.clock.time, "test", account, address, {"client.address": address, **named})

    def ask(self, **fields: Value):  # type: ignore[no-untyped-def]
        return self.judge.judge(self.request(**fields))  # type: ignore[arg-type]

    def facts(self, **facts: Scalar) -> None:
        self.store.set_facts(ACCOUNT, {f"account.{name}": value for name, value in facts.items()})


@pytest.fixture
def bench() -> Callable[..., Bench]:
    def build(rules: Ruleset | None = None, mode: str = "enforce", on_error: str = "open") -> Bench:
        clock = StillClock()
        store = FailingStore(clock)
        logged: list[str] = []
        settings = Settings(mode=mode, on_error=on_error, appeal="mailto:a@example.com", identifier_key="k" * 16)  # type: ignore[arg-type]
        chosen = rules or ruleset()
        return Bench(clock, store, logged, Judge(chosen, store, clock, settings, logged.append), chosen, settings=settings)

    return build


@pytest.fixture
def rules_with() -> Callable[..., Ruleset]:
    return ruleset


@pytest.fixture
def an_exemption() -> Callable[..., Exemption]:
    return exemption
