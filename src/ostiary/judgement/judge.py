"""The request path: Signals, one write, the Verdict, and the take-back of a refused request.

One principal, one item, one unconditional write whose answer holds exact counts. What the store does not answer in time is
decided by a local share of the limits and by the fail mode; such a Verdict is ``degraded`` and logged, since no image tells it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ostiary.counting.choose import buckets_of, groups_of
from ostiary.counting.windows import stale
from ostiary.judgement.decide import Decider
from ostiary.judgement.derive import evidence
from ostiary.judgement.effects import in_force
from ostiary.judgement.features import Features
from ostiary.judgement.identify import Identifier, address_principal
from ostiary.judgement.recent import Recent
from ostiary.judgement.record import encode
from ostiary.matching.evaluate import Evaluator
from ostiary.settings import Settings
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plain import to_plain
from ostiary.vocabulary.ports import Clock, StateStore
from ostiary.vocabulary.request import Principal, Request, Value
from ostiary.vocabulary.rule import Category, Ruleset, Signal
from ostiary.vocabulary.state import Control, RequestRecord, State, StateWrite
from ostiary.vocabulary.verdict import Verdict

CONTROL_SECONDS = 5.0
"""The kill switch and the enforcement on an address are at most this old."""
MAX_CLOCK_CORRECTION = 2.0
"""Seconds; a process whose clock was corrected by more removes no buckets."""
MAX_PRINCIPALS = 4096
"""Principals whose last answer a process remembers."""
MAX_PATH_SHOWN = 256
ACCOUNT_DAYS = 400
"""An account's item, which also holds its facts, outlives its last request by this."""
ADDRESS_DAYS = 2
_DAY = 86_400
_CATEGORIES: tuple[Category, ...] = ("request",)


class Judge:
    """Judges Requests by one Ruleset. Safe to call from several threads."""

    def __init__(self, ruleset: Ruleset, store: StateStore, clock: Clock, settings: Settings, log: Callable[[str], None]) -> None:
        self._ruleset = ruleset
        self._store = store
        self._clock = clock
        self._settings = settings
        self._log = log
        self._evaluator = Evaluator(ruleset, categories=_CATEGORIES)
        self._decider = Decider(self._evaluator)
        self._features = Features(ruleset, settings.identifier_key)
        self._identifier = Identifier(store, clock)
        self._controls: Recent[str, Control] = Recent(most=MAX_PRINCIPALS, seconds=CONTROL_SECONDS)
        self._answers: Recent[str, State] = Recent(most=MAX_PRINCIPALS, seconds=_DAY)
        self._owed: Recent[str, Mapping[str, int]] = Recent(most=MAX_PRINCIPALS, seconds=_DAY)
        self._local: Recent[str, Mapping[str, int]] = Recent(most=MAX_PRINCIPALS, seconds=_DAY)
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="control")

    def judge(self, request: Request) -> Verdict:
        """The Verdict on a request. Never raises ``StoreError``: a failing store makes a degraded Verdict."""
        with self._store.within(self._settings.deadline):
            return self._judge(request)

    def _judge(self, request: Request) -> Verdict:
        started = time.perf_counter()
        principal = self._identifier.principal(request)
        fields = _fields(request, principal)
        signals = self._evaluator.evaluate(fields)
        groups = groups_of(self._ruleset, (signal.rule for signal in signals), principal, fields)
        features = self._features.of((signal.rule for signal in signals), fields)
        evaluation_us = round((time.perf_counter() - started) * 1_000_000)
        mode = self._mode()
        beside = self._ask_address(principal, request.address)
        record = replace(self._record(request, principal, signals, groups, mode), evaluation_us=evaluation_us, features=features)
        add = buckets_of(self._ruleset, groups, request.time)
        try:
            state = self._write(record, add)
        except StoreError as error:
            return self._degraded(record, add, self._address_control(beside, principal, request.address, mode), error)
        control = self._address_control(beside, principal, request.address, mode)
        verdict = self._decider.decide(record, state, control)
        if verdict.effect.outcome != "allowed":
            self._take_back(principal, buckets_of(self._ruleset, groups, request.time, kind="limit"), request.time)
        if in_force(control.address, request.time):
            self._say(verdict, record, state)
        return verdict

    def _record(
        self,
        request: Request,
        principal: Principal,
        signals: tuple[Signal, ...],
        groups: Mapping[str, tuple[str, ...]],
        mode: Control,
    ) -> RequestRecord:
        credential = request.fields.get("credential.id")
        return RequestRecord(
            id=request.id,
            time=request.time,
            principal=principal,
            gateway=request.gateway,
            method=_shown(request.fields.get("http.request.method")),
            path=_shown(request.fields.get("url.path")),
            signals=tuple((signal.rule, signal.leaves) for signal in signals),
            groups=groups,
            facts=request.facts,
            mode=mode.mode,
            digest=self._ruleset.digest,
            on_error=self._settings.on_error,
            address=request.address,
            credential=credential if isinstance(credential, str) else None,
        )

    def _write(self, record: RequestRecord, add: Mapping[str, int]) -> State:
        key = record.principal.key
        last = self._answers.last(key)
        remove: tuple[str, ...] = ()
        if last is not None and abs(self._clock.offset()) <= MAX_CLOCK_CORRECTION:
            remove = stale(last.buckets, record.time)
        owed = self._owed.take(key) or {}
        due = [name for name in owed if name not in stale(owed, record.time)]
        added = {**add, **{name: add.get(name, 0) + owed[name] for name in due}}
        write = StateWrite(record.principal, added, remove, "request", encode(record), _expiry(record.principal, record.time))
        try:
            state = self._store.write(write)
        except StoreError as error:
            if error.applied is False and owed:
                self._owed.keep(key, owed, now=self._clock.monotonic())
            raise
        self._answers.keep(key, state, now=self._clock.monotonic())
        return state

    def _take_back(self, principal: Principal, buckets: Mapping[str, int], now: float) -> None:
        """A refused request leaves the limits as they were, so that a flooding caller still gets its admissions."""
        if not buckets:
            return
        back = {name: -count for name, count in buckets.items()}
        try:
            self._store.write(StateWrite(principal, back, (), "undo", None, _expiry(principal, now)))
        except StoreError as error:
            # An uncertain take-back is left: it errs towards refusing. One that surely did not happen rides on the next write.
            if error.applied is False:
                self._owe(principal.key, back)

    def _owe(self, key: str, back: Mapping[str, int]) -> None:
        owed = dict(self._owed.take(key) or {})
        for name, count in back.items():
            owed[name] = owed.get(name, 0) + count
        self._owed.keep(key, owed, now=self._clock.monotonic())

    def _mode(self) -> Control:
        """The kill switch, at most ``CONTROL_SECONDS`` old; while it can't be read, what it was."""
        now = self._clock.monotonic()
        known = self._controls.fresh("", now=now)
        if known is not None:
            return known
        try:
            control = self._store.control(None, self._settings.mode)
        except StoreError:
            control = self._controls.last("") or Control(self._settings.mode)
        self._controls.keep("", control, now=now)
        return control

    def _ask_address(self, principal: Principal, address: str | None) -> Future[Control] | None:
        """Reads the enforcement on an account's address beside the write, unless it is known well enough."""
        if principal.kind == "address" or not address:
            return None
        asked = address_principal(address)
        if self._controls.fresh(asked.key, now=self._clock.monotonic()) is not None:
            return None
        return self._beside.submit(self._store.control, asked, self._settings.mode)

    def _address_control(self, beside: Future[Control] | None, principal: Principal, address: str | None, mode: Control) -> Control:
        if principal.kind == "address" or not address:
            return mode
        key = address_principal(address).key
        if beside is not None:
            try:
                control = beside.result(timeout=self._settings.deadline)
                self._controls.keep(key, control, now=self._clock.monotonic())
            except (StoreError, TimeoutError):
                beside.cancel()
        known = self._controls.last(key)
        # The mode that the record names is the one that decides: ``derive`` knows no other.
        return Control(mode.mode, known.address if known else None)

    def _degraded(self, record: RequestRecord, add: Mapping[str, int], control: Control, error: StoreError) -> Verdict:
        """Known blocks stay, limits fall back to this process's share of them, the rest is the fail mode's."""
        key = record.principal.key
        now = self._clock.monotonic()
        last = self._answers.last(key) or State(record.principal)
        before = self._local.last(key) or {}
        buckets = {name: count for name, count in before.items() if name not in stale(before, record.time)}
        counted = {name: buckets.get(name, 0) + count for name, count in add.items()}
        state = replace(last, seq=0, buckets=buckets | counted)
        verdict = self._decider.decide(record, state, control, limit_share=self._settings.local_share, degraded=True)
        self._local.keep(key, state.buckets if verdict.effect.outcome == "allowed" else buckets, now=now)
        self._log(json.dumps({"ostiary.degraded": {"verdict": verdict.id, "error": str(error)}}))
        return self._say(verdict, record, state)

    def _say(self, verdict: Verdict, record: RequestRecord, state: State) -> Verdict:
        """Logs a Verdict that the stream's image can't tell; ``record`` is subscribed to these lines."""
        told = replace(verdict, evidence=evidence(encode(record), state))
        self._log(json.dumps({"ostiary.verdict": to_plain(told)}))
        return told


def _fields(request: Request, principal: Principal) -> dict[str, Value]:
    fields: dict[str, Value] = {**request.fields, "principal.id": principal.key}
    if principal.kind == "account":
        fields["account.id"] = principal.id
    return fields


def _expiry(principal: Principal, now: float) -> int:
    return int(now) + _DAY * (ACCOUNT_DAYS if principal.kind == "account" else ADDRESS_DAYS)


def _shown(value: Value) -> str:
    """A value fit for a log line: control characters escaped, cut to ``MAX_PATH_SHOWN``."""
    text = str(value) if value is not None else ""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
    return text[:MAX_PATH_SHOWN]
