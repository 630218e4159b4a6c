"""What every VerdictStore does, in memory and on DynamoDB's protocol."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from ostiary.stores.kept import dumps
from ostiary.stores.tables import Put
from ostiary.stores.verdicts import MAX_ARTEFACT_BYTES
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.verdict import Count, Effect, EnforcementRef, RuleRef, Verdict

VERDICT = Verdict(
    id="r1",
    time=1_700_000_000.25,
    principal="account#anna",
    account="anna",
    address="192.0.2.7",
    gateway="rest",
    method="POST",
    path="/v1/messages",
    effect=Effect("throttled", reason="limit_exceeded", rule="limit-1", retry_after=7, until=1_700_000_007.0),
    would=Effect("throttled", reason="limit_exceeded", rule="limit-1", retry_after=7, until=1_700_000_007.0),
    rules=(RuleRef("limit-1", "abc", "low", "enforce"),),
    counts=(Count("limit-1", 61, 60, 60, 6.5, "limit"),),
    digest="d" * 64,
    mode="enforce",
    enforcement=EnforcementRef("warn", "account#anna", 2, None),
    seq=61,
    evidence='{"l":"…"}',
)


def test_a_verdict_comes_back_as_it_was_kept(stores: Any) -> None:
    assert stores.verdicts.get("r1") is None
    assert stores.verdicts.upsert(VERDICT)
    assert stores.verdicts.get("r1") == VERDICT


def test_the_same_verdict_again_changes_nothing(stores: Any) -> None:
    assert stores.verdicts.upsert(VERDICT)
    assert not stores.verdicts.upsert(VERDICT)


def test_of_one_request_the_highest_seq_wins_in_any_order(stores: Any) -> None:
    later = replace(VERDICT, seq=62)
    assert stores.verdicts.upsert(later)
    assert not stores.verdicts.upsert(VERDICT)
    assert stores.verdicts.upsert(replace(VERDICT, seq=63))
    assert stores.verdicts.get("r1").seq == 63


@pytest.mark.parametrize(
    "logged",
    [
        replace(VERDICT, seq=0, degraded=True),
        replace(VERDICT, seq=61, effect=Effect("denied", reason="address_blocked")),
        replace(VERDICT, seq=61, effect=Effect(), would=Effect("denied", reason="address_blocked")),
    ],
    ids=["degraded", "address block", "address block in monitor mode"],
)
def test_what_the_caller_logged_outranks_what_an_image_tells(stores: Any, logged: Verdict) -> None:
    assert stores.verdicts.upsert(replace(VERDICT, seq=99))
    assert stores.verdicts.upsert(logged)
    assert not stores.verdicts.upsert(replace(VERDICT, seq=100))
    assert stores.verdicts.get("r1") == logged


def test_a_verdict_of_a_newer_version_is_read_without_what_is_unknown(stores: Any) -> None:
    store = stores.verdicts
    data = json.loads(dumps(VERDICT))
    data["from_the_future"] = data["effect"]["from_the_future"] = data["rules"][0]["from_the_future"] = 1
    store._backend.put(Put(store._table, {"id": "r1", "data": json.dumps(data)}))
    assert store.get("r1") == VERDICT


@pytest.mark.parametrize("data", [None, "", "{}", "[]", '{"id": 7}'])
def test_a_verdict_that_cannot_be_read_is_a_store_error(stores: Any, data: str | None) -> None:
    stores.verdicts._backend.put(Put(stores.verdicts._table, {"id": "r1", "data": data}))
    with pytest.raises(StoreError, match="verdict 'r1' was kept by a version"):
        stores.verdicts.get("r1")


def test_a_principals_verdicts_come_newest_first(stores: Any) -> None:
    for number in range(5):
        stores.verdicts.upsert(replace(VERDICT, id=f"r{number}", time=1_700_000_000.0 + number))
    stores.verdicts.upsert(replace(VERDICT, id="other", principal="account#bea"))
    assert [verdict.id for verdict in stores.verdicts.of("account#anna", 3)] == ["r4", "r3", "r2"]
    assert len(stores.verdicts.of("account#anna", 100)) == 5


def test_an_artefact_is_kept_by_its_digest(stores: Any) -> None:
    artefact = b"OSTIARY" + bytes(100_000)
    assert stores.verdicts.ruleset("d1") is None
    stores.verdicts.keep_ruleset("d1", artefact)
    stores.verdicts.keep_ruleset("d1", artefact)
    assert stores.verdicts.ruleset("d1") == artefact


def test_an_artefact_at_the_limit_is_kept_and_one_past_it_is_refused(stores: Any) -> None:
    noise = os.urandom(MAX_ARTEFACT_BYTES + 1)  # zlib cannot shrink it, and adds a little.
    stores.verdicts.keep_ruleset("fits", noise[: MAX_ARTEFACT_BYTES - 1024])
    with pytest.raises(StoreError, match="the artefact toolarge"):
        stores.verdicts.keep_ruleset("toolarge", noise)
    assert stores.verdicts.ruleset("toolarge") is None


def test_a_damaged_artefact_is_a_store_error(stores: Any) -> None:
    store = stores.verdicts
    store._backend.put(Put(store._table, {"id": "ruleset#bad", "data": b"no zlib"}))
    with pytest.raises(StoreError, match="the kept artefact bad"):
        store.ruleset("bad")
