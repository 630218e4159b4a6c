"""The Verdict and the Findings of a request, derived offline from the image of its write."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ostiary.judgement.decide import Decider, Held, waiving
from ostiary.judgement.record import decode
from ostiary.matching.evaluate import Evaluator
from ostiary.ruleset.artefact import dump, load
from ostiary.vocabulary.case import Finding
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plain import from_plain, to_plain
from ostiary.vocabulary.ports import VerdictStore
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.rule import Mode, Rule, Ruleset
from ostiary.vocabulary.state import Control, RequestRecord, State
from ostiary.vocabulary.verdict import Verdict


def deciders(ruleset: Ruleset, verdicts: VerdictStore) -> Callable[[str], Decider]:
    """The Decider of a Ruleset by its digest: of ``ruleset``, whose artefact is kept now, or of one that was kept before.

    Calling it raises ``StoreError`` for a Ruleset that was never kept.
    """
    verdicts.keep_ruleset(ruleset.digest, dump(ruleset))
    known = {ruleset.digest: Decider(Evaluator(ruleset))}

    def decider_of(digest: str) -> Decider:
        if digest not in known:
            artefact = verdicts.ruleset(digest)
            if artefact is None:
                raise StoreError(f"no artefact is kept of Ruleset {digest[:12]}, which decided a request: deploy the record that has it")
            known[digest] = Decider(Evaluator(load(artefact)))
        return known[digest]

    return decider_of


@dataclass(frozen=True, slots=True)
class Derived:
    """What one image tells: the Verdict, with its evidence, and the Findings that it reached."""

    verdict: Verdict
    findings: tuple[Finding, ...]


def evidence(record_text: str, state: State) -> str:
    """All that is needed to derive a Verdict again: the request's record and what the item held."""
    return json.dumps({"record": record_text, "state": to_plain(state)}, separators=(",", ":"))


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
    who = Who(record.principal, record.mode, verdict.id)
    id = f"{rule.id}|{record.principal.key}|{group}|{window}"
    return finding_of(decider.ruleset, rule, id, who, record.time, (count.timespan, count.used, count.max))


@dataclass(frozen=True, slots=True)
class Who:
    """Whose request reached something, the mode that it was judged in, and its Verdict's id."""

    principal: Principal
    mode: Mode
    verdict: str


def finding_of(ruleset: Ruleset, rule: Rule, id: str, who: Who, time: float, counted: tuple[int, int, int]) -> Finding:
    """The Finding that a rule was reached. ``counted``: timespan in seconds, count, threshold."""
    exemption = waiving(ruleset.exemptions, "strikes", rule, who.principal, time)
    timespan, count, threshold = counted
    return Finding(
        id=id,
        rule=rule.id,
        version=rule.version,
        level=rule.level,
        topic=rule.topic,
        kind="limit" if rule.limit else "correlation",
        account=who.principal.key,
        time=time,
        timespan=timespan,
        count=count,
        threshold=threshold,
        mode="enforce" if rule.mode == "enforce" and who.mode == "enforce" else "monitor",
        digest=ruleset.digest,
        verdict=who.verdict,
        clause=rule.clause,
        waived=exemption.name if exemption else None,
    )
