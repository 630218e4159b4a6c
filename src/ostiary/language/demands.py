"""What a rule must have for what it asks: an action its limit, enforce mode its tests."""

from __future__ import annotations

from ostiary.language.document import RuleDocument
from ostiary.language.rule_test import REFUSED

WINDOWS = ("account_window", "group_window")


def check_demands(rule: RuleDocument) -> None:
    """Records what is missing, or does not go together, under ``ostiary:``."""
    if rule.ours.limit is not None:
        _limit(rule)
    if rule.is_correlation and rule.decided == "record" and rule.category == "request" and rule.ours.action is not None:
        _too_late(rule)
    _action(rule)
    if rule.ours.mode == "enforce":
        _enforce(rule)


def _limit(rule: RuleDocument) -> None:
    at = ("ostiary", "limit")
    if rule.is_correlation:
        rule.refuse(at, "limit-of-correlation", "a correlation has no `limit`: its condition is one", "use `correlation: condition:`")
    elif rule.category in WINDOWS:
        rule.refuse(
            at,
            "limit-of-window",
            f"a rule of category {rule.category} has no `limit`: it is decided by `record`",
            "limits need category request",
        )
    elif rule.category == "foreign":
        rule.refuse(at, "not-applicable", "the rule never applies to requests, so a `limit` would count nothing", "use product ostiary")


def _action(rule: RuleDocument) -> None:
    ours = rule.ours
    if ours.action == "withhold" and not ours.withhold and "ostiary.withhold" not in rule.wrong:
        rule.refuse(
            ("ostiary", "action"), "withhold-what", "action `withhold` needs `withhold:`", "write `withhold: [reasoning]` or `[logprobs]`"
        )
    if ours.withhold and ours.action != "withhold" and "ostiary.action" not in rule.wrong:
        rule.refuse(("ostiary", "withhold"), "withhold-action", "`withhold` has no effect without `action: withhold`")
    if ours.action == "throttle" and ours.limit is None and not rule.is_correlation and "ostiary.limit" not in rule.wrong:
        rule.refuse(("ostiary", "action"), "throttle-needs-limit", "action `throttle` needs a `limit`, or a correlation that counts")
    if ours.action is not None and rule.category in WINDOWS:
        rule.refuse(
            ("ostiary", "action"),
            "window-action",
            f"a rule of category {rule.category} has no action of its own",
            "its Findings move the Case by the escalation policy",
        )


def _too_late(rule: RuleDocument) -> None:
    """An action on the request needs a count on the request path."""
    message = f"`record` decides this correlation after its requests were answered ({rule.because}): it cannot {rule.ours.action} them"
    if rule.ours.mode == "enforce":
        rule.refuse(("ostiary", "action"), "action-too-late", message, "remove `action`: its Findings move the Case")
    else:
        rule.source.warn(rule.mark("ostiary", "action"), "action-too-late", message, "remove `action`")


def _enforce(rule: RuleDocument) -> None:
    at = ("ostiary", "mode")
    if rule.category != "request":
        rule.refuse(at, "not-applicable", "only a rule about requests can be enforced", "leave it in monitor mode")
        return
    finds = rule.is_correlation and rule.decided == "record"
    if finds and rule.ours.action is not None:
        return
    if rule.ours.action is None and rule.decided == "request path" and "ostiary.action" not in rule.wrong:
        rule.refuse(at, "enforce-needs-action", "enforce mode needs an `action`", "write `action: throttle`, `withhold` or `deny`")
    if rule.node.get("tests") is None:
        rule.refuse(
            at, "enforce-needs-tests", "enforce mode needs `tests` of both outcomes", "write one that is refused and one that is allowed"
        )
        return
    if not rule.whole_tests or not rule.decided or "ostiary.action" in rule.wrong:
        return
    expected = {step.expect for test in rule.tests for step in test.steps if step.expect}
    if finds:
        if "signal" not in expected or not expected - {"signal"}:
            rule.refuse(("tests",), "enforce-needs-tests", "enforce mode needs a test that expects a signal, and one that expects none")
        return
    if not expected & REFUSED and rule.ours.action != "allow":
        rule.refuse(("tests",), "enforce-needs-tests", "enforce mode needs a test that expects withheld, throttled or denied")
    if not expected - REFUSED:
        rule.refuse(("tests",), "enforce-needs-tests", "enforce mode needs a test that expects allowed or none")
