import json

import pytest

from ostiary.local.play import name_of, play
from ostiary.local.recorded import START

ASKS = {"model": "m", "messages": [{"role": "user", "content": "verbatim"}]}


def line(time, account="acct-1", **values):
    return {"time": time, "account": account, "address": "192.0.2.7", "method": "GET", "path": "/v1/models", **values}


def asking(time, account="acct-1"):
    return line(time, account, method="POST", path="/v1/messages", body=ASKS)


@pytest.mark.parametrize("store", ["memory", "moto"])
def test_each_request_has_its_verdict_and_the_outcomes_are_counted_by_account(ruleset, store):
    lines = [line(n, facts={"plan": "trial"}) for n in range(5)]
    lines += [line(n, "acct-2", facts={"plan": "pro"}) for n in range(5)]
    lines += [{"time": 9, "path": "/forbidden", "address": "2001:db8::7"}]
    report = play(lines, ruleset, store=store)
    assert report.problems == ()
    assert (report.requests, report.verdicts) == (11, 11)
    assert (report.allowed, report.throttled, report.denied, report.degraded) == (8, 2, 1, 0)
    assert report.signals == {"Trial limit": 5, "Forbidden door": 1}
    trial = report.accounts["acct-1"]
    assert (trial.requests, trial.allowed, trial.throttled, trial.rules) == (5, 3, 2, ("Trial limit",))
    assert report.accounts["acct-2"].allowed == 5
    assert report.accounts["address#2001%3Adb8%3A%3A%2F64"].denied == 1


def test_both_stores_give_the_same_verdicts(ruleset):
    lines = [asking(n / 3) for n in range(12)] + [line(n / 2, "acct-2", facts={"plan": "trial"}) for n in range(8)]
    memory, moto = (play(lines, ruleset, store=store).line() for store in ("memory", "moto"))
    assert {**memory, "seconds": 0} == {**moto, "seconds": 0}


def test_a_limit_is_counted_on_the_virtual_clock(ruleset):
    hour = [line(n * 21, facts={"plan": "trial"}) for n in range(170)]
    assert play(hour, ruleset).throttled == 0
    burst = [line(n * 19, facts={"plan": "trial"}) for n in range(170)]
    assert play(burst, ruleset).throttled > 0


def test_facts_change_from_the_line_that_says_so(ruleset):
    lines = [line(n, facts={"plan": "trial"}) for n in range(4)] + [line(4, facts={"plan": "pro"}), line(5), line(6, facts={})]
    report = play(lines, ruleset)
    assert (report.throttled, report.accounts["acct-1"].allowed) == (1, 6)
    assert report.signals == {"Trial limit": 4}


def test_an_account_that_keeps_asking_gets_a_case_whose_steps_tell_why(ruleset):
    report = play([asking(n * 10) for n in range(4)], ruleset)
    assert report.accounts["acct-1"].withheld == 2
    (case,) = report.cases
    assert case.stage == report.accounts["acct-1"].stage != "none"
    assert case.rules == ("Keeps asking for reasoning",)
    assert case.steps[0].time == START + 21
    assert json.loads(case.steps[0].evidence)["count"] == 3
    assert report.line()["cases"] == [{"account": "acct-1", "stage": case.stage, "rules": case.rules}]


def test_a_monitored_play_refuses_nobody(ruleset):
    report = play([line(n / 10, facts={"plan": "trial"}) for n in range(20)] + [line(30, path="/forbidden")], ruleset, mode="monitor")
    assert (report.allowed, report.throttled, report.denied) == (21, 0, 0)
    assert report.signals == {"Trial limit": 21, "Forbidden door": 1}


def test_the_order_of_lines_does_not_matter_but_their_times_do(ruleset):
    lines = [line(n * 15, facts={"plan": "trial"}) for n in range(8)]
    shuffled = [lines[n] for n in (5, 2, 7, 0, 3, 1, 6, 4)]
    assert play(lines, ruleset).throttled == play(shuffled, ruleset).throttled == 2


def test_a_preflight_passes_is_no_request_and_is_counted(ruleset):
    headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
    report = play([line(0), line(1, method="OPTIONS", headers=headers)], ruleset)
    assert (report.requests, report.verdicts, report.preflights, report.problems) == (1, 1, 1, ())


def test_requests_that_no_rule_could_read_have_verdicts_too(ruleset):
    lines = [
        line(0, method="POST", body="{" * 5000, headers={"content-type": "application/json"}),
        line(1, method="POST", body={"messages": "\ud800"}),
        line(2, path="/" + "a" * 9000),
        line(3, path="/%00/../..//%zz?%ff=%"),
        line(4, headers={f"x-{n}": "v" * 50 for n in range(400)}),
        line(5, headers={"content-encoding": "gzip"}, method="POST", body="no gzip"),
        line(6, account="ünï#code/€"),
    ]
    report = play(lines, ruleset)
    assert report.problems == () and report.requests == report.verdicts == len(lines)


def test_bad_lines_are_counted_and_the_line_of_the_report_says_so(ruleset):
    report = play(["{", json.dumps(line(0)), "[]"], ruleset)
    assert [mishap.number for mishap in report.bad] == [1, 3]
    assert (report.line()["bad_lines"], report.line()["requests"]) == (2, 1)


def test_nothing_to_play_is_an_empty_report(ruleset):
    report = play([], ruleset)
    assert (report.requests, report.verdicts, report.accounts, report.cases, report.problems) == (0, 0, {}, (), ())


def test_the_line_has_the_documented_keys(ruleset):
    found = play([line(0)], ruleset).line()
    wanted = "requests verdicts allowed throttled denied degraded signals accounts cases seconds preflights bad_lines"
    assert list(found) == wanted.split()


def test_progress_is_told_up_to_the_last_request(ruleset):
    told = []
    play([line(n) for n in range(25)], ruleset, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 25), (10, 25), (20, 25), (25, 25)]


def test_an_account_whose_name_looks_like_a_key_is_shown_as_it_is():
    assert name_of("account#address%23192.0.2.1") == "address#192.0.2.1"
