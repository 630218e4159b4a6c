"""The Verdict and the Findings of a request, derived offline from the image of its write."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

from ostiary.judgement.decide import Decider, Held, exempts
from ostiary.judgement.record import decode
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plain import from_plain, to_plain
from ostiary.vocabulary.rule import Exemption
from ostiary.vocabulary.state import Control, RequestRecord, State
from ostiary.vocabulary.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Derived:
    """What one image tells: the Verdict, with its evidence, and the Findings that it reached."""

    verdict: Verdict
    findings: tuple[Finding, ...]


def evidence(record_text: str, state: State) -> str:
    """All that is needed to derive a Verdict again: the request's record and what the item held."""
    return json.dumps({"record": record_text, "state": to_plain(state)}, separators=(",", ":"), ensure_ascii=False)


def from_evidence(text: str) -> tuple[RequestRecord, State]:
    """The inverse of ``evidence``; a ``StoreError`` says what is damaged."""
    try:
        plain = json.loads(text)
        return decode(plain["record"]), from_plain(State, plain["state"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"a verdict's evidence is damaged: {error}") from error


def derive(decider: Decider, record_text: str, state: State) -> Derived:
    """The Verdict and Findings of the request whose record and state an image holds.

    The Ruleset must be the one that the record names. A block on the address is not in the image: the request path logs that
    Verdict itself, and it outranks this one. Raises ``StoreError`` for a record that can't be read.
    """
    record = decode(record_text)
    assert record.digest == decider.ruleset.digest, "derive needs the Ruleset that the record names"
    try:
        verdict = decider.decide(record, state, Control(record.mode))
    except (ValueError, IndexError) as error:
        raise StoreError(f"request record {record.id} does not fit its Ruleset {record.digest[:12]}: {error}") from error
    told = replace(verdict, evidence=evidence(record_text, state))
    findings = (_finding(decider, held, record, told) for held in decider.held(record, state) if held.count is not None)
    return Derived(told, tuple(findings))


def _finding(decider: Decider, held: Held, record: RequestRecord, verdict: Verdict) -> Finding:
    rule, count = held.rule, held.count
    counted = rule.limit or rule.correlation
    assert count is not None and counted is not None
    group = ",".join(record.groups.get(counted.counter, ()))
    window = math.floor(record.time / count.timespan)
    waiving = (exemption for exemption in decider.ruleset.exemptions if _waives_strikes(exemption, held, record))
    return Finding(
        id=f"{rule.id}|{record.principal.key}|{group}|{window}",
        rule=rule.id,
        version=rule.version,
        level=rule.level,
        topic=rule.topic,
        kind="limit" if rule.limit else "correlation",
        account=record.principal.key,
        time=record.time,
        timespan=count.timespan,
        count=count.used,
        threshold=count.max,
        mode="enforce" if rule.mode == "enforce" and record.mode == "enforce" else "monitor",
        digest=record.digest,
        verdict=verdict.id,
        clause=rule.clause,
        waived=next((exemption.name for exemption in waiving), None),
    )


def _waives_strikes(exemption: Exemption, held: Held, record: RequestRecord) -> bool:
    return "strikes" in exemption.waive and exempts(exemption, held.rule, record)
