"""Finding: a rule matched over time. Case: what happened to an account over time. Action: what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ostiary.vocabulary.rule import Level, Mode
from ostiary.vocabulary.state import Enforcement, Stage


@dataclass(frozen=True, slots=True)
class Finding:
    """A limit was exceeded or a correlation's count reached. ``id`` = (rule, group, ⌊time / timespan⌋): once a window and group."""

    id: str
    rule: str
    version: str
    level: Level
    topic: str
    kind: Literal["limit", "correlation"]
    account: str
    """The principal's key (``account#…``, ``address#…``)."""
    time: float
    timespan: int
    count: int
    threshold: int
    mode: Mode
    """Monitor when the rule or the whole gate was in monitor mode: then the Case may only watch."""
    digest: str
    verdict: str
    """Id of the Verdict that reached it."""
    clause: str | None = None
    waived: str | None = None
    """Name of an Exemption that waives strikes."""


@dataclass(frozen=True, slots=True)
class CaseStep:
    """One entry of a Case's history."""

    version: int
    time: float
    stage: Stage
    would: Stage
    """The stage that full enforcement would have reached."""
    cause: str
    """Finding id, ``release``, ``expiry`` …"""
    production: str
    """Name of the policy's production that moved it; empty when none did."""
    rules: tuple[str, ...]
    strikes: int
    by: str
    """``escalate``, or the person who released it."""
    note: str = ""
    clause: str | None = None
    evidence: str = ""
    """Finding as JSON."""
    previous: str = ""
    """Digest of the step before: history is a hash chain."""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What happened to an account over time. ``version`` rises by one with every step."""

    account: str
    """The principal's key."""
    version: int = 0
    stage: Stage = "none"
    until: float | None = None
    """When the stage ends by itself."""
    strikes: int = 0
    struck: float = 0.0
    """From when the next halving of strikes counts."""
    rules: tuple[str, ...] = ()
    """Ids of the rules behind it, in order of first appearance."""
    findings: tuple[str, ...] = ()
    """Ids of the newest Findings (bounded), so that one delivered again changes nothing."""
    opened: float = 0.0
    updated: float = 0.0
    steps: tuple[CaseStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do about a Case, waiting in the outbox; performed once by its ``key``."""

    key: str
    """``account#version#name``."""
    name: Literal["enforce", "notice", "release"]
    account: str
    version: int
    time: float
    enforcement: Enforcement | None = None
    notice: dict[str, str] = field(default_factory=dict)
    status: Literal["waiting", "done", "failed"] = "waiting"
    attempts: int = 0
    error: str = ""
