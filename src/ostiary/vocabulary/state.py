"""What the state table keeps of one principal, and the two writes of the request path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.rule import Mode, OnError

Stage = Literal["none", "watch", "warn", "restrict", "suspend", "terminate"]
STAGES: tuple[Stage, ...] = ("none", "watch", "warn", "restrict", "suspend", "terminate")


@dataclass(frozen=True, slots=True)
class Enforcement:
    """What ``escalate`` put in force on a principal. Plain facts: ``decide`` gives them their effect while ``until`` is ahead."""

    stage: Stage
    case: str
    version: int
    """The Case's version that wrote it; only a higher one may replace it."""
    since: float
    until: float | None
    """Epoch seconds; None: until somebody releases it."""
    deny: bool = False
    withhold: tuple[str, ...] = ()
    limit_share: float = 1.0
    """Share of every limit's ``max`` that is left to this account (0.25: a quarter)."""
    clause: str | None = None
    reason: str = "terms_of_service"
    """Reason code, fit for customers."""


@dataclass(frozen=True, slots=True)
class State:
    """One principal's item, as some answer gave it."""

    principal: Principal
    seq: int = 0
    buckets: Mapping[str, int] = field(default_factory=dict)
    """Bucket name (``counting.windows``) → count."""
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    """``account.plan`` → ``pro``."""
    enforcement: Enforcement | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """The kill switch and the enforcement on an address: what a request reads beside its principal's item."""

    mode: Mode
    address: Enforcement | None = None


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """``#l``: the record of one request in its principal's item; all that is needed to derive its Verdict again, offline.

    Holds no prompt, no header, no query.
    """

    id: str
    time: float
    principal: Principal
    gateway: str
    method: str
    path: str
    """Cut to 256 characters, control characters escaped."""
    signals: tuple[tuple[int, str | None], ...]
    """(rule index, leaves) as ``Signal`` has them."""
    groups: Mapping[str, tuple[str, ...]]
    """Counter id → hashes of the group values ('' when it groups by the principal alone), of every counter that this request added to."""
    facts: Mapping[str, Scalar]
    """Facts that the gateway vouched for."""
    mode: Mode
    digest: str
    """Of the Ruleset that was evaluated."""
    on_error: OnError
    address: str | None = None
    credential: str | None = None
    """``credential.id``: a keyed hash."""
    evaluation_us: int = 0
    features: Mapping[str, tuple[str | int | float | bool, ...]] = field(default_factory=dict)
    """Field → its values, of the fields that the matching rules' correlations in ``record`` group by or count: texts as short keyed
    hashes, numbers as they are. No text of a prompt is here."""


@dataclass(frozen=True, slots=True)
class StateWrite:
    """One UpdateItem on a principal's item: adds to buckets, drops old ones, leaves its record."""

    principal: Principal
    add: Mapping[str, int]
    remove: tuple[str, ...]
    writer: Literal["request", "undo"]
    record: str | None
    """``RequestRecord`` as JSON (``judgement.record``); None for ``undo``."""
    expires: int
    """Epoch seconds for the TTL, unless the item holds ``keep_until``."""
