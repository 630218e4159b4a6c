"""The ladder, with the shipped policy: what a run of Findings leads to, and what it never leads to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ostiary.enforcement.durable import DurableEngine
from ostiary.enforcement.escalation import MAX_FINDING_IDS, escalate, release
from ostiary.enforcement.history import broken
from ostiary.enforcement.policy import WATCH_ONLY, Policy
from ostiary.vocabulary.case import Action, Case, Finding

HOUR, DAY = 3600.0, 86_400.0
T0 = 1_000_000.0
Make = Callable[..., Finding]


@pytest.fixture
def climb(policy: Policy, engine: DurableEngine) -> Callable[..., tuple[Case, list[Action]]]:
    """Plays Findings into a Case, each at its own time."""

    def play(findings: Sequence[Finding], case: Case | None = None) -> tuple[Case, list[Action]]:
        actions: list[Action] = []
        for one in findings:
            case, more = escalate(policy, case, one, engine, one.time, appeal="https://appeal.example")
            actions += more
        assert case is not None
        assert broken(case.steps) is None
        return case, actions

    return play


Climb = Callable[..., tuple[Case, list[Action]]]


def test_one_finding_of_high_level_warns_with_a_notice_and_takes_nothing(climb: Climb, finding: Make) -> None:
    case, actions = climb([finding(time=T0, topic="web")])
    assert (case.stage, case.version, case.strikes) == ("warn", 1, 4)
    [action] = actions
    assert (action.key, action.name) == ("account#acct-7#1#notice", "notice")
    assert action.notice["clause"] == "T-4.2"
    assert "https://appeal.example" in action.notice["text"]
    assert "{" not in action.notice["text"]


def test_strong_evidence_restricts_at_once(climb: Climb, finding: Make) -> None:
    case, actions = climb([finding(time=T0)])
    assert (case.stage, case.steps[-1].production) == ("restrict", "strong-evidence")
    assert [action.name for action in actions] == ["enforce", "notice"]


def test_a_flagrant_logit_probe_is_suspended_within_one_day(climb: Climb, finding: Make) -> None:
    case, actions = climb([finding(time=T0), finding(time=T0 + HOUR, rule="steals-logits", level="critical", count=60, threshold=60)])
    assert case.stage == "suspend"
    assert case.until == T0 + HOUR + 7 * DAY
    enforcement = actions[-2].enforcement
    assert enforcement is not None
    assert (actions[-2].name, enforcement.deny, enforcement.version, enforcement.until) == ("enforce", True, 2, case.until)
    assert case.steps[-1].production == "flagrant-theft"


def test_the_order_of_the_two_findings_does_not_matter(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0, rule="steals-logits", level="critical"), finding(time=T0 + HOUR)])
    assert case.stage == "suspend"


def test_strong_evidence_on_three_days_suspends(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0), finding(time=T0 + DAY)])
    assert case.stage == "restrict"
    case, _ = climb([finding(time=T0 + 2 * DAY)], case)
    assert (case.stage, case.steps[-1].production) == ("suspend", "theft-goes-on")


@pytest.mark.parametrize("level", ["medium", "high", "critical"])
def test_a_templated_harvest_alone_is_restricted_at_most(climb: Climb, finding: Make, level: str) -> None:
    run = [finding(time=T0 + n * DAY / 2, topic="extraction", rule=f"harvest-{n % 3}", level=level) for n in range(25)]
    case, _ = climb(run)
    assert case.stage == "restrict"
    assert {step.would for step in case.steps} <= {"watch", "warn", "restrict"}


def test_two_rules_of_extraction_restrict_within_a_day(climb: Climb, finding: Make) -> None:
    case, actions = climb([finding(time=T0 + n * HOUR, topic="extraction", rule=f"harvest-{n}", level="medium") for n in range(2)])
    assert (case.stage, case.steps[-1].production) == ("restrict", "two-kinds-of-extraction")
    enforcement = next(action.enforcement for action in actions if action.name == "enforce")
    assert enforcement is not None
    assert (enforcement.deny, enforcement.withhold, enforcement.limit_share) == (False, ("reasoning", "logprobs"), 0.25)


@pytest.mark.parametrize("level", ["medium", "high", "critical"])
def test_exceeded_limits_alone_never_suspend(climb: Climb, finding: Make, level: str) -> None:
    hammering = [finding(time=T0 + n * HOUR / 2, kind="limit", topic="limits", rule=f"limit-{n % 3}", level=level) for n in range(80)]
    case, _ = climb(hammering)
    assert case.stage == "restrict"


def test_a_limit_exceeded_all_hour_is_one_event(climb: Climb, finding: Make) -> None:
    case, actions = climb([finding(time=T0 + n * 60, kind="limit", topic="limits", rule="per-minute", level="medium") for n in range(60)])
    assert (case.stage, len(case.steps), actions) == ("watch", 1, [])


@pytest.mark.parametrize("level", ["informational", "low"])
def test_weak_evidence_alone_only_watches(climb: Climb, finding: Make, level: str) -> None:
    kinds = [("correlation", "networks"), ("limit", "limits"), ("correlation", "logits"), ("correlation", "extraction")]
    run = [finding(time=T0 + n * HOUR, level=level, kind=kinds[n % 4][0], topic=kinds[n % 4][1], rule=f"r{n % 7}") for n in range(60)]
    case, actions = climb(run)
    assert (case.stage, actions) == ("watch", [])


def test_a_monitored_finding_only_watches_and_the_history_says_would(climb: Climb, finding: Make) -> None:
    case, actions = climb(
        [finding(time=T0, mode="monitor"), finding(time=T0 + HOUR, mode="monitor", rule="steals-logits", level="critical")]
    )
    assert (case.stage, case.strikes, actions) == ("watch", 0, [])
    assert [step.would for step in case.steps] == ["restrict", "suspend"]
    assert case.steps[0].note == "monitor: not counted"


def test_a_monitored_finding_never_helps_to_suspend_later(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0, mode="monitor", rule="steals-logits", level="critical"), finding(time=T0 + HOUR)])
    assert (case.stage, case.steps[-1].would) == ("restrict", "suspend")


def test_a_waived_finding_adds_no_strikes_and_is_written_down(climb: Climb, finding: Make) -> None:
    case, actions = climb([finding(time=T0 + n, waived="red-team", level="critical", rule=f"r{n}") for n in range(5)])
    assert (case.stage, case.strikes, case.version, actions) == ("watch", 0, 5, [])
    assert case.steps[-1].note == "waived by red-team"
    assert case.steps[-1].would == "watch"


def test_a_finding_delivered_again_changes_nothing(climb: Climb, finding: Make, policy: Policy, engine: DurableEngine) -> None:
    one = finding(time=T0)
    case, _ = climb([one])
    assert escalate(policy, case, one, engine, T0 + 5) == (case, ())


def test_the_ids_that_a_case_remembers_are_bounded(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0 + n, level="informational", rule="weak") for n in range(MAX_FINDING_IDS + 1)])
    assert len(case.findings) == MAX_FINDING_IDS
    assert case.findings[-1] == f"finding-{MAX_FINDING_IDS + 1}"


def test_strikes_halve_every_week_whatever_comes_between(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0, topic="web"), finding(time=T0 + 6 * DAY, topic="web")])
    assert case.strikes == 8
    case, _ = climb([finding(time=T0 + 8 * DAY, level="informational", topic="web")], case)
    assert case.strikes == 4
    case, _ = climb([finding(time=T0 + 14 * DAY, level="informational", topic="web")], case)
    assert case.strikes == 2


def test_a_finding_stands_beside_others_for_a_week_only(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0, topic="extraction", rule="a", level="medium")])
    late, _ = climb([finding(time=T0 + 7 * DAY, topic="extraction", rule="b", level="medium")], case)
    in_time, _ = climb([finding(time=T0 + 7 * DAY - 1, topic="extraction", rule="b", level="medium")], case)
    assert (late.stage, in_time.stage) == ("watch", "restrict")


def test_a_stage_whose_time_is_over_falls_to_watch_and_its_enforcement_is_cleared(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0 + n * HOUR, topic="extraction", rule=f"r{n}", level="medium") for n in range(2)])
    case, actions = climb([finding(time=T0 + 8 * DAY, level="informational", topic="web")], case)
    assert [step.cause for step in case.steps[-2:]] == ["expiry", case.findings[-1]]
    assert (case.stage, case.version) == ("watch", 4)
    [clear] = actions
    assert clear.enforcement is not None
    assert (clear.name, clear.enforcement.stage, clear.enforcement.version) == ("enforce", "none", 4)


def test_watch_ends_too_and_the_case_can_climb_again(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0)])
    case, actions = climb([finding(time=T0 + 90 * DAY)], case)
    assert [step.stage for step in case.steps] == ["restrict", "watch", "none", "restrict"]
    assert [action.name for action in actions] == ["enforce", "notice"]
    assert case.strikes == 4


def test_a_stage_reached_again_late_is_renewed_with_a_notice(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0 + n, topic="extraction", rule=f"r{n}", level="medium") for n in range(2)])
    early, early_actions = climb([finding(time=T0 + DAY, topic="extraction", rule="r2", level="medium")], case)
    assert (early.until, early_actions) == (case.until, [])
    late, late_actions = climb([finding(time=T0 + 5 * DAY, topic="extraction", rule="r2", level="medium")], case)
    assert late.until == T0 + 12 * DAY
    assert [action.name for action in late_actions] == ["enforce", "notice"]
    assert late.steps[-1].note == "renewed"


def test_a_release_ends_everything_with_a_higher_version(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0), finding(time=T0 + 1, rule="steals-logits", level="critical")])
    after, actions = release(case, by="dana", note="a contract", now=T0 + 5)
    assert (after.stage, after.until, after.strikes, after.version) == ("none", None, 0, 3)
    assert (after.steps[-1].cause, after.steps[-1].by, after.steps[-1].note) == ("release", "dana", "a contract")
    assert broken(after.steps) is None
    assert [action.name for action in actions] == ["release", "notice"]
    assert actions[0].enforcement is not None
    assert (actions[0].enforcement.stage, actions[0].enforcement.version) == ("none", 3)


def test_findings_before_a_release_never_count_again(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0, rule="steals-logits", level="critical")])
    case, _ = release(case, by="dana", note="a mistake of ours", now=T0 + 5)
    case, _ = climb([finding(time=T0 + 10)], case)
    assert (case.stage, case.steps[-1].would, case.strikes) == ("restrict", "restrict", 4)


def test_without_a_policy_findings_are_written_down_and_nothing_happens(finding: Make) -> None:
    engine = DurableEngine(WATCH_ONLY)
    case, actions = escalate(WATCH_ONLY, None, finding(level="critical"), engine, T0)
    assert (case.stage, case.until, actions) == ("watch", None, ())


def test_a_changed_or_missing_step_breaks_the_chain(climb: Climb, finding: Make) -> None:
    case, _ = climb([finding(time=T0 + n * DAY) for n in range(3)])
    changed = (case.steps[0], replace(case.steps[1], note="nothing happened"), case.steps[2])
    assert broken(changed) == 2
    assert broken(case.steps[1:]) == 2
    assert broken((case.steps[0], case.steps[2])) == 3


def test_a_step_holds_the_finding_that_made_it(climb: Climb, finding: Make) -> None:
    one = finding(time=T0)
    case, _ = climb([one])
    assert Finding(**json.loads(case.steps[0].evidence)) == one
    assert (case.steps[0].clause, case.steps[0].rules) == ("T-4.2", (one.rule,))
