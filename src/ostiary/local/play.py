"""Plays recorded traffic through the real handlers, stream and escalation, on a virtual clock."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from ostiary.gateways.rest_proxy import is_preflight
from ostiary.local.clock import VirtualClock
from ostiary.local.gateway import call_of, proxy_event
from ostiary.local.handlers import Context, load
from ostiary.local.pipeline import LocalFifo, LogLines, Pipeline
from ostiary.local.recorded import START, Mishap, RecordedRequest, Recording, read
from ostiary.local.services import Services, opened
from ostiary.local.upstream import forward
from ostiary.settings import Settings
from ostiary.stores.queue import SqsFindingQueue
from ostiary.vocabulary.case import Case
from ostiary.vocabulary.ports import Clock
from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.rule import Mode, Ruleset
from ostiary.vocabulary.state import STAGES
from ostiary.vocabulary.verdict import Verdict

LAG_SECONDS = 1.0
"""How long after a request ``record`` and ``escalate`` have dealt with it, in virtual time."""
LOCAL_SETTINGS = Settings(identifier_key="a local gate has no secrets", appeal="https://appeals.example/", trusted_proxies=())
SHOWN = 5
Progress = Callable[[int, int], None]
"""Called with how many requests are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class AccountReport:
    """What one account (or address without an account) got."""

    requests: int
    allowed: int
    throttled: int
    denied: int
    withheld: int
    """Allowed requests with something left out of their answer."""
    stage: str
    rules: tuple[str, ...]
    """Ids of the rules that matched, sorted."""


@dataclass(frozen=True, slots=True)
class Report:
    """What playing came to. ``problems`` is empty when every request has its verdict and nothing was lost on the way."""

    requests: int
    verdicts: int
    allowed: int
    throttled: int
    denied: int
    degraded: int
    signals: Mapping[str, int]
    """Rule id → verdicts in which it matched, most first."""
    accounts: Mapping[str, AccountReport]
    cases: tuple[Case, ...]
    """With their steps, most severe first."""
    seconds: float
    """That playing took, by the machine's clock."""
    preflights: int = 0
    """CORS preflights: they pass, are not judged, and are no part of ``requests``."""
    bad: tuple[Mishap, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def line(self) -> dict[str, Any]:
        """The last line of ``--format json``."""
        return {
            "requests": self.requests,
            "verdicts": self.verdicts,
            "allowed": self.allowed,
            "throttled": self.throttled,
            "denied": self.denied,
            "degraded": self.degraded,
            "signals": self.signals,
            "accounts": self.accounts,
            "cases": [{"account": name_of(case.account), "stage": case.stage, "rules": case.rules} for case in self.cases],
            "seconds": round(self.seconds, 3),
            "preflights": self.preflights,
            "bad_lines": len(self.bad),
        }


def play(
    lines: Iterable[str | bytes | Mapping[str, Any]],
    ruleset: Ruleset,
    *,
    store: str = "memory",
    mode: Mode = "enforce",
    progress: Progress | None = None,
) -> Report:
    """Play recorded requests, one JSON object a line (``recorded`` says how), and report.

    ``store``: ``memory``, ``moto``, or the base URL of a DynamoDB endpoint, where tables of this play alone are made and dropped.
    A bad line is reported, never fatal. Raises ``StoreError`` when the store can't be used at all.
    """
    started = time.perf_counter()
    recording = read(lines)
    clock = VirtualClock(recording.requests[0].time if recording.requests else START)
    settings = replace(LOCAL_SETTINGS, mode=mode)
    with opened(store, settings, clock) as services:
        played = _Play(services, ruleset, clock)
        for done, request in enumerate(recording.requests):
            if progress is not None and done % 10 == 0:
                progress(done, len(recording.requests))
            played.one(request)
        played.finish()
        if progress is not None:
            progress(len(recording.requests), len(recording.requests))
        return _report(recording, played, services, started)


class _Play:
    """One play: the assembled handlers and what has been done so far."""

    def __init__(self, services: Services, ruleset: Ruleset, clock: VirtualClock) -> None:
        self.services = services
        self.clock = clock
        lines = LogLines()
        self.pipeline = pipeline_of(services, ruleset, clock, lines)
        self.ids: set[str] = set()
        """Of the requests that are due a verdict."""
        self.preflights = 0
        self._facts: dict[str, Mapping[str, Scalar]] = {}
        self._due: float | None = None
        self._proxy = load("proxy").assemble(
            services.settings, ruleset=ruleset, store=services.state, clock=clock, log=lines.log, forward=forward
        )

    def one(self, request: RecordedRequest) -> None:
        """Play one request at its time; what came before it is recorded and escalated first, when it is due."""
        if self._due is not None and request.time >= self._due:
            self.clock.set(self._due)
            self.pipeline.turn()
            self._due = None
        self.clock.set(request.time)
        if request.account is not None and request.facts is not None:
            self._set_facts(request.account, request.facts)
        id = f"play-{request.number}"
        event = proxy_event(call_of(request, id))
        if is_preflight(event):
            self.preflights += 1
        else:
            self.ids.add(id)
        self._proxy(event, Context("proxy", id))
        if self._due is None:
            self._due = request.time + LAG_SECONDS

    def finish(self) -> None:
        """Record and escalate all that still waits."""
        if self._due is not None:
            self.clock.set(self._due)
        self.pipeline.drain()

    def _set_facts(self, account: str, facts: Mapping[str, Scalar]) -> None:
        before = self._facts.get(account, {})
        gone = {name: None for name in before if name not in facts}
        if facts != before:
            self.services.state.set_facts(Principal("account", account), {**gone, **facts})
            self._facts[account] = facts


def pipeline_of(services: Services, ruleset: Ruleset, clock: Clock, lines: LogLines) -> Pipeline:
    """``record`` and ``escalate``, assembled on these services."""
    fifo = LocalFifo(clock)
    findings = SqsFindingQueue(fifo, "local")
    settings, verdicts = services.settings, services.verdicts
    record = load("record").assemble(settings, ruleset=ruleset, verdicts=verdicts, findings=findings, groups=services.groups, log=lines.log)
    escalate = load("escalate").assemble(
        settings,
        ruleset=ruleset,
        cases=services.cases,
        state=services.state,
        notices=services.notices,
        clock=clock,
        log=lines.log,
    )
    return Pipeline(clock, services.stream, fifo, lines, record, escalate)


def name_of(principal: str) -> str:
    """What a report calls a principal: an account by its id, an address without an account by its key.

    >>> name_of("account#a%23b"), name_of("address#192.0.2.1")
    ('a#b', 'address#192.0.2.1')
    """
    kind, _, id = principal.partition("#")
    return unquote(id) if kind == "account" else principal


def _report(recording: Recording, played: _Play, services: Services, started: float) -> Report:
    verdicts = services.verdicts.everything()
    cases = [services.cases.load(case.account) or case for case in services.cases.cases()]
    cases.sort(key=lambda case: (-STAGES.index(case.stage), case.account))
    outcomes = Tally(verdict.effect.outcome for verdict in verdicts)
    signals = Tally(rule.id for verdict in verdicts for rule in verdict.rules)
    problems = [*_discrepancies(played.ids, verdicts), *played.pipeline.lost]
    return Report(
        requests=len(played.ids),
        verdicts=len(verdicts),
        allowed=outcomes["allowed"],
        throttled=outcomes["throttled"],
        denied=outcomes["denied"],
        degraded=sum(verdict.degraded for verdict in verdicts),
        signals=dict(sorted(signals.items(), key=lambda pair: (-pair[1], pair[0]))),
        accounts=_accounts(verdicts, {case.account: case.stage for case in cases}),
        cases=tuple(cases),
        seconds=time.perf_counter() - started,
        preflights=played.preflights,
        bad=recording.bad,
        ignored=recording.ignored,
        problems=tuple(problems),
    )


def _discrepancies(ids: set[str], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Why requests and verdicts are not the same, if they are not."""
    kept = {verdict.id for verdict in verdicts}
    for what, found in (("without a verdict", ids - kept), ("nobody sent, yet with a verdict", kept - ids)):
        if found:
            shown = ", ".join(sorted(found)[:SHOWN])
            yield f"{len(found)} requests {what}: {shown}{' …' if len(found) > SHOWN else ''}"


def _accounts(verdicts: Iterable[Verdict], stages: Mapping[str, str]) -> dict[str, AccountReport]:
    by_principal: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_principal.setdefault(verdict.principal, []).append(verdict)
    return {name_of(key): _account(by_principal[key], stages.get(key, "none")) for key in sorted(by_principal)}


def _account(verdicts: Sequence[Verdict], stage: str) -> AccountReport:
    outcomes = Tally(verdict.effect.outcome for verdict in verdicts)
    return AccountReport(
        requests=len(verdicts),
        allowed=outcomes["allowed"],
        throttled=outcomes["throttled"],
        denied=outcomes["denied"],
        withheld=sum(verdict.effect.outcome == "allowed" and bool(verdict.effect.withhold) for verdict in verdicts),
        stage=stage,
        rules=tuple(sorted({rule.id for verdict in verdicts for rule in verdict.rules})),
    )
