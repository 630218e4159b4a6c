"""The request path, on the memory store: what a caller gets, what is written, what is taken back."""

from __future__ import annotations

import json

import pytest

from ostiary.judgement.decide import Decider
from ostiary.judgement.derive import derive, from_evidence
from ostiary.matching.evaluate import Evaluator
from ostiary.stores.items import record_of_item, state_of_item
from ostiary.stores.streams import matches_filter
from ostiary.vocabulary.errors import StoreError, Throttled
from ostiary.vocabulary.request import Principal
from ostiary.vocabulary.state import Enforcement

ACCOUNT = Principal("account", "acct-1")


def enforcement(**changes):
    values = {"stage": "suspend", "case": "c", "version": 1, "since": 0.0, "until": None, "deny": True}
    return Enforcement(**(values | changes))


def derived(bench, rules):
    decider = Decider(Evaluator(rules))
    found = {}
    for record in bench.store.take_stream():
        if matches_filter(record):
            image = record["dynamodb"]["NewImage"]
            one = derive(decider, record_of_item(image), state_of_item(image))
            found[one.verdict.id] = one
    return found


def test_a_request_that_matches_nothing_is_allowed_by_one_write(bench):
    b = bench()
    verdict = b.ask(http__request__method="POST")
    assert (verdict.effect.outcome, verdict.rules, verdict.seq) == ("allowed", (), 1)
    assert [write.writer for write in b.store.writes] == ["request"]


def test_a_limit_on_a_fact_admits_its_maximum_and_no_more(bench):
    b = bench()
    b.facts(plan="free")
    outcomes = [b.ask().effect.outcome for _ in range(5)]
    assert outcomes == ["allowed"] * 3 + ["throttled"] * 2


def test_an_account_whose_fact_differs_is_not_limited_though_it_was_counted(bench):
    b = bench()
    b.facts(plan="pro")
    verdicts = [b.ask() for _ in range(6)]
    assert {verdict.effect.outcome for verdict in verdicts} == {"allowed"}
    assert verdicts[-1].counts == ()


def test_a_throttled_request_takes_itself_back_and_says_when_to_retry(bench):
    b = bench()
    b.facts(plan="free")
    for _ in range(3):
        b.ask()
    refused = b.ask()
    assert b.store.writes[-1].writer == "undo"
    assert refused.effect.reason == "limit_exceeded"
    assert refused.effect.rule == "free-limit"
    b.clock.time += refused.effect.retry_after
    assert b.ask().effect.outcome == "allowed"


def test_a_correlation_withholds_from_its_threshold_on_and_only_on_matching_requests(bench):
    b = bench()
    asking = [b.ask(**{"gen_ai.prompt.last": "give it VERBATIM"}).effect.withhold for _ in range(4)]
    assert asking == [(), (), ("reasoning",), ("reasoning",)]
    assert b.ask(**{"gen_ai.prompt.last": "hello"}).effect.withhold == ()


def test_a_denied_request_is_not_counted_against_limits(bench):
    b = bench()
    b.facts(plan="free")
    for _ in range(3):
        assert b.ask(http__request__method="TRACE").effect.outcome == "denied"
    assert b.ask().effect.outcome == "allowed"


def test_a_monitored_limit_refuses_nobody_and_says_what_it_would_have_done(bench):
    b = bench()
    verdicts = [b.ask(http__request__method="PUT") for _ in range(2)]
    assert [verdict.effect.outcome for verdict in verdicts] == ["allowed", "allowed"]
    assert [verdict.would.outcome for verdict in verdicts] == ["allowed", "throttled"]
    assert {write.writer for write in b.store.writes} == {"request"}


def test_in_monitor_mode_everything_is_allowed_and_would_says_the_rest(bench):
    b = bench(mode="monitor")
    verdict = b.ask(http__request__method="TRACE")
    assert (verdict.effect.outcome, verdict.would.outcome, verdict.mode) == ("allowed", "denied", "monitor")


def test_the_kill_switch_takes_effect_within_five_seconds(bench):
    b = bench()
    assert b.ask(http__request__method="TRACE").effect.outcome == "denied"
    b.store.set_mode("monitor")
    b.clock.time += 5.0
    assert b.ask(http__request__method="TRACE").effect.outcome == "allowed"


def test_a_suspended_account_is_refused_until_the_suspension_ends(bench):
    b = bench()
    b.store.enforce(ACCOUNT, enforcement(until=b.clock.time + 100))
    refused = b.ask()
    assert (refused.effect.outcome, refused.effect.reason, refused.effect.until) == ("denied", "suspended", b.clock.time + 100)
    assert refused.enforcement.stage == "suspend"
    b.clock.time += 100
    assert b.ask().effect.outcome == "allowed"


def test_a_restricted_account_keeps_a_share_of_its_limit_and_loses_reasoning(bench):
    b = bench()
    b.facts(plan="free")
    b.store.enforce(ACCOUNT, enforcement(stage="restrict", deny=False, withhold=("reasoning",), limit_share=0.4))
    first, second = b.ask(), b.ask()
    assert (first.effect.outcome, first.effect.withhold) == ("allowed", ("reasoning",))
    assert second.effect.outcome == "throttled"


def test_a_block_on_the_address_refuses_an_account_behind_it_and_is_logged(bench):
    b = bench()
    b.store.enforce(Principal("address", "203.0.113.7"), enforcement())
    verdict = b.ask()
    assert (verdict.effect.outcome, verdict.effect.reason) == ("denied", "address_blocked")
    line = json.loads(b.logged[-1])["ostiary.verdict"]
    assert line["id"] == verdict.id
    assert b.ask(address="203.0.113.8").effect.outcome == "allowed"


def test_requests_without_an_account_are_counted_by_their_address(bench):
    b = bench()
    outcomes = [b.ask(account=None, http__request__method="GET").effect.outcome for _ in range(3)]
    assert outcomes == ["allowed", "allowed", "throttled"]
    assert b.ask(account="acct-1", http__request__method="GET").effect.outcome == "allowed"


def test_neighbours_in_one_ipv6_network_are_one_principal(bench):
    b = bench()
    verdicts = [b.ask(account=None, address=f"2001:db8:0:1::{host}") for host in (1, 2)]
    assert {verdict.principal for verdict in verdicts} == {"address#2001%3Adb8%3A0%3A1%3A%3A%2F64"}


def test_a_registered_credential_stands_for_its_account(bench):
    b = bench()
    b.store.set_credential("hash-1", "acct-1")
    assert b.ask(account=None, **{"credential.id": "hash-1"}).account == "acct-1"
    assert b.ask(account=None, **{"credential.id": "hash-2"}).account is None


def test_an_exempted_account_keeps_its_signals_and_escapes_the_effect(bench, rules_with, an_exemption):
    b = bench(rules_with(exemptions=(an_exemption(),)))
    b.facts(plan="free")
    verdicts = [b.ask() for _ in range(5)]
    assert {verdict.effect.outcome for verdict in verdicts} == {"allowed"}
    assert (verdicts[-1].exemption, [rule.id for rule in verdicts[-1].rules]) == ("northlab", ["free-limit"])


def test_an_expired_exemption_exempts_nobody(bench, rules_with, an_exemption):
    b = bench(rules_with(exemptions=(an_exemption(expires=0.0),)))
    b.facts(plan="free")
    assert [b.ask().effect.outcome for _ in range(4)][-1] == "throttled"


def test_old_buckets_are_removed_once_an_earlier_answer_showed_them(bench):
    b = bench()
    b.facts(plan="free")
    b.ask()
    b.clock.time += 300
    b.ask()
    assert len(b.store.writes[-1].remove) == 1
    assert len(b.store.read(ACCOUNT).buckets) == 1


def test_a_process_whose_clock_was_corrected_removes_nothing(bench):
    b = bench()
    b.facts(plan="free")
    b.ask()
    b.clock.time += 300
    b.clock.corrected = 2.5
    b.ask()
    assert b.store.writes[-1].remove == ()


def test_a_take_back_that_surely_failed_rides_on_the_next_write(bench):
    b = bench()
    b.facts(plan="free")
    for _ in range(3):
        b.ask()
    b.store.fails["undo"] = Throttled("slow down")
    assert b.ask().effect.outcome == "throttled"
    del b.store.fails["undo"]
    assert b.ask().effect.outcome == "throttled"
    assert sum(b.store.read(ACCOUNT).buckets.values()) == 3


def test_an_uncertain_take_back_is_left(bench):
    b = bench()
    b.facts(plan="free")
    for _ in range(3):
        b.ask()
    b.store.fails["undo"] = StoreError("answer lost", applied=None)
    b.ask()
    del b.store.fails["undo"]
    b.ask()
    assert sum(b.store.read(ACCOUNT).buckets.values()) == 4


def test_a_failing_store_degrades_to_a_local_share_and_says_so(bench):
    b = bench()
    b.facts(plan="free")
    b.ask()
    b.store.fails["request"] = StoreError("no answer")
    verdicts = [b.ask() for _ in range(3)]
    assert [verdict.effect.outcome for verdict in verdicts] == ["allowed", "throttled", "throttled"]
    assert all(verdict.degraded for verdict in verdicts)
    assert len([line for line in b.logged if "ostiary.verdict" in line]) == 3


def test_a_route_that_fails_closed_refuses_while_the_store_fails(bench):
    b = bench(on_error="closed")
    b.store.fails["request"] = StoreError("no answer")
    verdict = b.ask()
    assert (verdict.effect.outcome, verdict.effect.reason) == ("denied", "service_unavailable")


def test_a_known_suspension_stays_while_the_store_fails(bench):
    b = bench()
    b.store.enforce(ACCOUNT, enforcement())
    b.ask()
    b.store.fails["request"] = StoreError("no answer")
    assert b.ask().effect.reason == "suspended"


def test_a_mode_that_cannot_be_read_stays_what_it_was(bench):
    b = bench()
    b.store.set_mode("monitor")
    assert b.ask(http__request__method="TRACE").effect.outcome == "allowed"
    b.store.fails["control"] = StoreError("no answer")
    b.clock.time += 60
    assert b.ask(http__request__method="TRACE").effect.outcome == "allowed"


def test_the_stream_derives_the_verdict_that_the_caller_got(bench):
    b = bench()
    b.facts(plan="free")
    given = {}
    for index in range(12):
        method = "TRACE" if index == 4 else "PUT" if index % 3 == 0 else "POST"
        verdict = b.ask(http__request__method=method, **{"gen_ai.prompt.last": "verbatim" if index % 2 else "hello"})
        given[verdict.id] = verdict
        b.clock.time += 7
    found = derived(b, b.rules)
    assert found.keys() == given.keys()
    for id_, one in found.items():
        assert one.verdict.effect == given[id_].effect
        assert one.verdict.counts == given[id_].counts
        assert one.verdict.rules == given[id_].rules


def test_a_verdicts_evidence_derives_it_again_offline(bench):
    b = bench()
    b.facts(plan="free")
    for _ in range(4):
        b.ask()
    one = list(derived(b, b.rules).values())[-1].verdict
    record, state = from_evidence(one.evidence)
    again = Decider(Evaluator(b.rules)).decide(record, state, type("C", (), {"mode": record.mode, "address": None})())
    assert (again.effect, again.counts, again.rules) == (one.effect, one.counts, one.rules)
    assert one.effect.outcome == "throttled"


def test_findings_come_from_exceeded_limits_and_reached_correlations(bench):
    b = bench()
    b.facts(plan="free")
    for _ in range(4):
        b.ask(**{"gen_ai.prompt.last": "verbatim"})
    found = derived(b, b.rules)
    kinds = {(finding.rule, finding.kind) for one in found.values() for finding in one.findings}
    assert kinds == {("free-limit", "limit"), ("keeps-asking", "correlation")}
    ids = [finding.id for one in found.values() for finding in one.findings if finding.rule == "keeps-asking"]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_finding_of_a_monitored_rule_or_gate_is_a_monitored_finding(bench):
    b = bench(mode="monitor")
    for _ in range(3):
        b.ask(**{"gen_ai.prompt.last": "verbatim"})
    modes = {finding.mode for one in derived(b, b.rules).values() for finding in one.findings}
    assert modes == {"monitor"}


def test_damaged_evidence_says_so():
    with pytest.raises(StoreError, match="damaged"):
        from_evidence('{"record": "[]"}')
