"""From a Finding to its effect over memory stores, with a crash between each two steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ostiary.actions.sinks import MemorySink
from ostiary.enforcement.durable import DurableEngine
from ostiary.enforcement.outbox import BREAKER_NOTE, MAX_ATTEMPTS, MONITOR_NOTE, SUPERSEDED_NOTE, Outbox
from ostiary.enforcement.policy import Policy
from ostiary.enforcement.process import MAX_COMMITS, Escalator, release_case
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryCaseStore, MemoryStateStore
from ostiary.vocabulary.case import Case, Finding
from ostiary.vocabulary.errors import ConditionFailed, OstiaryError, StoreError
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement

ANNA = Principal("account", "acct-7")
T0 = 1_000_000.0
Make = Callable[..., Finding]


class Stopped:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = T0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class Crash(RuntimeError):
    """The process ends here."""


@dataclass
class World:
    """One gate's stores, and what was written to the log."""

    policy: Policy
    engine: DurableEngine
    clock: Stopped = field(default_factory=Stopped)
    lines: list[str] = field(default_factory=list)
    sink: MemorySink = field(default_factory=MemorySink)

    def __post_init__(self) -> None:
        settings = Settings(identifier_key="0123456789abcdef", mode="enforce", appeal="https://appeal.example")
        self.cases = MemoryCaseStore(settings, clock=self.clock)
        self.state = MemoryStateStore(settings, clock=self.clock)
        self.state.set_mode("enforce")

    def escalator(self, **ports: Any) -> Escalator:
        given = {"cases": self.cases, "state": self.state, "notices": self.sink} | ports
        outbox = Outbox(self.policy, clock=self.clock, log=self.lines.append, default_mode="enforce", **given)
        return Escalator(outbox, self.engine, "https://appeal.example")

    def enforcement(self, principal: Principal = ANNA) -> Enforcement | None:
        state = self.state.read(principal)
        return None if state is None else state.enforcement


@pytest.fixture
def world(policy: Policy, engine: DurableEngine) -> World:
    return World(policy, engine)


@pytest.fixture
def probe(finding: Make) -> list[Finding]:
    """Two Findings of one day that suspend."""
    return [finding(time=T0), finding(time=T0, rule="steals-logits", level="critical")]


def test_a_flagrant_probe_ends_suspended_and_told(world: World, probe: list[Finding]) -> None:
    for one in probe:
        case = world.escalator().take(one)
    assert case.stage == "suspend"
    enforcement = world.enforcement()
    assert enforcement is not None
    assert (enforcement.deny, enforcement.until, enforcement.version) == (True, case.until, 2)
    assert [notice["stage"] for notice in world.sink.published] == ["restrict", "suspend"]
    assert world.cases.waiting(ANNA.key) == []
    said = [json.loads(line)["ostiary.case"]["stage"] for line in world.lines if "ostiary.case" in line]
    assert said == ["restrict", "suspend"]


class Dying:
    """A port whose n-th call over all ports ends the process, before or after it took effect."""

    def __init__(self, inner: object, calls: list[int], at: int, after: bool) -> None:
        self._inner, self._calls, self._at, self._after = inner, calls, at, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._inner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._calls[0] += 1
            if self._calls[0] == self._at and not self._after:
                raise Crash(name)
            answer = real(*arguments, **named)
            if self._calls[0] == self._at:
                raise Crash(name)
            return answer

        return call


def story(world: World, probe: list[Finding], at: int, after: bool) -> int:
    """Plays the probe with one crash, each Finding delivered until it was taken; gives the number of calls."""
    calls = [0]
    ports = {"cases": world.cases, "state": world.state, "notices": world.sink}
    dying = {name: Dying(port, calls, at, after) for name, port in ports.items()}
    for one in probe:
        for _ in range(2):
            try:
                world.escalator(**dying).take(one)
                break
            except Crash:
                continue
    return calls[0]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_between_any_two_steps_changes_nothing_in_the_end(
    policy: Policy, engine: DurableEngine, probe: list[Finding], after: bool
) -> None:
    whole = World(policy, engine)
    calls = story(whole, probe, 0, after)
    assert calls > 10
    for at in range(1, calls + 1):
        world = World(policy, engine)
        story(world, probe, at, after)
        assert world.cases.load(ANNA.key) == whole.cases.load(ANNA.key), at
        assert world.enforcement() == whole.enforcement(), at
        assert {notice["id"] for notice in world.sink.published} == {notice["id"] for notice in whole.sink.published}, at
        assert len(world.sink.published) <= len(whole.sink.published) + 1
        assert world.cases.waiting(ANNA.key) == []


class Failing:
    """A sink that does not answer for its first calls."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.published: list[Mapping[str, str]] = []

    def publish(self, notice: Mapping[str, str]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("the topic does not answer")
        self.published.append(notice)


def test_a_failed_notice_is_recorded_raised_and_sent_by_the_next_try(world: World, probe: list[Finding]) -> None:
    sink = Failing(1)
    with pytest.raises(StoreError, match="topic does not answer"):
        world.escalator(notices=sink).take(probe[0])
    [waiting] = world.cases.waiting(ANNA.key)
    assert (waiting.status, waiting.attempts, waiting.error) == ("waiting", 1, "the topic does not answer")
    world.escalator(notices=sink).take(probe[0])
    assert len(sink.published) == 1


def test_a_sink_that_is_down_does_not_hold_a_suspension_back(world: World, probe: list[Finding]) -> None:
    for one in probe:
        with pytest.raises(StoreError):
            world.escalator(notices=Failing(99)).take(one)
    enforcement = world.enforcement()
    assert enforcement is not None
    assert enforcement.deny


def test_an_action_that_keeps_failing_is_parked_and_tried_again_when_asked(world: World, probe: list[Finding]) -> None:
    escalator = world.escalator(notices=Failing(MAX_ATTEMPTS))
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(StoreError):
            escalator.take(probe[0])
    escalator.take(probe[0])
    [parked] = world.cases.waiting(ANNA.key)
    assert (parked.status, parked.attempts) == ("failed", MAX_ATTEMPTS)
    escalator.outbox.perform(ANNA.key)
    assert len(world.cases.waiting(ANNA.key)) == 1
    escalator.outbox.perform(ANNA.key, parked=True)
    assert world.cases.waiting(ANNA.key) == []


def test_the_kill_switch_lets_no_action_through_and_none_strikes_later(world: World, probe: list[Finding]) -> None:
    world.state.set_mode("monitor")
    for one in probe:
        world.escalator().take(one)
    world.clock.time += 60
    world.state.set_mode("enforce")
    world.escalator().outbox.perform(ANNA.key)
    assert world.enforcement() is None
    assert world.sink.published == []
    assert any(MONITOR_NOTE in line for line in world.lines)


def test_a_release_passes_the_kill_switch(world: World, probe: list[Finding]) -> None:
    for one in probe:
        world.escalator().take(one)
    world.clock.time += 60
    world.state.set_mode("monitor")
    release_case(world.escalator().outbox, ANNA.key, by="dana", note="ours", appeal="")
    enforcement = world.enforcement()
    assert enforcement is None or enforcement.stage == "none"
    assert world.sink.published[-1]["stage"] == "none"


def test_an_open_breaker_holds_suspensions_until_it_closes(world: World, finding: Make) -> None:
    assert world.policy.breaker is not None
    most = world.policy.breaker.suspensions

    def stage(principal: Principal) -> str:
        enforcement = world.enforcement(principal)
        return "none" if enforcement is None else enforcement.stage

    for number in range(most + 1):
        account = Principal("account", f"a{number}").key
        for rule, level in (("keeps-probing", "high"), ("steals-logits", "critical")):
            world.escalator().take(finding(account=account, rule=rule, level=level))
    last = Principal("account", f"a{most}")
    assert stage(Principal("account", f"a{most - 1}")) == "suspend"
    assert stage(last) == "restrict"
    waiting = world.cases.waiting(last.key)
    assert [(one.name, one.status) for one in waiting] == [("enforce", "waiting"), ("notice", "waiting")]
    assert waiting[0].error == BREAKER_NOTE
    assert any(BREAKER_NOTE in line for line in world.lines)
    world.clock.time += world.policy.breaker.per
    assert world.escalator().sweep() == most + 1
    assert stage(last) == "suspend"
    assert world.sink.published[-1]["account"] == last.key


def test_what_waits_from_before_a_release_is_never_performed(world: World, probe: list[Finding]) -> None:
    class Down:
        def __init__(self, inner: object) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def enforce(self, principal: Principal, enforcement: Enforcement) -> bool:
            raise StoreError("down")

    world.escalator().take(probe[0])
    with pytest.raises(StoreError, match="down"):
        world.escalator(state=Down(world.state)).take(probe[1])
    assert [one.name for one in world.cases.waiting(ANNA.key)] == ["enforce", "notice"]
    case = release_case(world.escalator().outbox, ANNA.key, by="dana", note="ours", appeal="")
    assert (case.stage, case.version) == ("none", 3)
    assert world.cases.waiting(ANNA.key) == []
    enforcement = world.enforcement()
    assert enforcement is None or enforcement.stage == "none"
    assert sum(SUPERSEDED_NOTE in line for line in world.lines) == 2
    assert [notice["stage"] for notice in world.sink.published] == ["restrict", "none"]


def test_releasing_an_account_without_a_case_says_so(world: World) -> None:
    with pytest.raises(OstiaryError, match="has no case"):
        release_case(world.escalator().outbox, ANNA.key, by="dana", note="ours", appeal="")


class Contested:
    """Cases that somebody else moves before our first commits."""

    def __init__(self, inner: MemoryCaseStore, losses: int, rival: Callable[[], object]) -> None:
        self.inner, self.losses, self.rival = inner, losses, rival

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def commit(self, case: Case, before: int, actions: Any) -> None:
        if self.losses:
            self.losses -= 1
            self.rival()
        self.inner.commit(case, before, actions)


def test_a_lost_race_is_run_again_on_the_new_case(world: World, probe: list[Finding]) -> None:
    contested = Contested(world.cases, 1, lambda: world.escalator().take(probe[0]))
    case = world.escalator(cases=contested).take(probe[1])
    assert (case.version, case.stage, case.findings) == (2, "suspend", tuple(one.id for one in probe))


def test_a_case_that_never_holds_still_goes_back_to_the_queue(world: World, finding: Make) -> None:
    contested = Contested(world.cases, MAX_COMMITS, lambda: world.escalator().take(finding(level="low", topic="web")))
    with pytest.raises(ConditionFailed):
        world.escalator(cases=contested).take(finding())
    case = world.cases.load(ANNA.key)
    assert case is not None
    assert case.version == MAX_COMMITS


def test_account_facts_are_read_only_where_the_policy_asks(world: World, finding: Make) -> None:
    class Unread:
        def __getattr__(self, name: str) -> Any:
            assert name != "read"
            return getattr(world.state, name)

    assert world.escalator(state=Unread()).take(finding()).stage == "restrict"
