"""A played Report as tables, for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ostiary.local.play import AccountReport, Report, name_of
from ostiary.vocabulary.case import Case
from ostiary.vocabulary.rule import Ruleset

MOST_ACCOUNTS = 20
"""Rows of the accounts table; the JSON line has them all."""
OUTCOMES = {"allowed": "green", "throttled": "yellow", "denied": "red"}
WORDS = (
    "stage",
    "rules",
    "rule",
    "until (UTC)",
    "time (UTC)",
    "moved (UTC)",
    "moved by",
    "by",
    "evidence",
    "level",
    "effect",
    "title",
    "outcome",
    "reason",
)
"""Columns that hold words; the others hold numbers, which stand to the right."""


def show(report: Report, ruleset: Ruleset, console: Console) -> None:
    """Outcomes, rules, accounts, Cases."""
    console.print(_outcomes(report))
    if report.signals:
        console.print(_rules(report, ruleset))
    if report.accounts:
        console.print(_accounts(report))
    if report.cases:
        console.print(_cases(report, ruleset))


def show_case(case: Case, ruleset: Ruleset, console: Console) -> None:
    """A Case's history: each step, what moved it and the counts behind it."""
    found = table(f"The Case of {name_of(case.account)}", "step", "time (UTC)", "stage", "moved by", "rule", "evidence", "strikes")
    for step in case.steps:
        rules = ", ".join(title(rule, ruleset) for rule in step.rules)
        found.add_row(
            str(step.version), moment(step.time), step.stage, step.production, escape(rules), _evidence(step.evidence), str(step.strikes)
        )
    found.caption = f"{len(case.steps)} steps in a hash chain; the last is {case.steps[-1].digest[:12]}" if case.steps else None
    console.print(found)


def title(rule: str, ruleset: Ruleset) -> str:
    """A rule's title; its id where the Ruleset does not know it."""
    known = ruleset.by_id.get(rule)
    return known.title if known is not None else rule


def _evidence(text: str) -> str:
    if not text:
        return ""
    finding = json.loads(text)
    return f"{finding['count']} of {finding['threshold']} in {duration(finding['timespan'])}"


def duration(seconds: int) -> str:
    """Seconds in the largest unit that is whole, as rules write them.

    >>> duration(86_400), duration(90), duration(3600)
    ('1d', '90s', '1h')
    """
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def moment(time: float) -> str:
    """Epoch seconds for people, UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _outcomes(report: Report) -> Table:
    found = table("Verdicts", "outcome", "verdicts", "share")
    for outcome, colour in OUTCOMES.items():
        count = getattr(report, outcome)
        found.add_row(f"[{colour}]{outcome}[/]", f"{count:,}", f"{count / max(1, report.verdicts):.1%}")
    withheld = sum(account.withheld for account in report.accounts.values())
    found.add_row("allowed, with something withheld", f"{withheld:,}", f"{withheld / max(1, report.verdicts):.1%}")
    if report.degraded:
        found.add_row("degraded", f"{report.degraded:,}", f"{report.degraded / max(1, report.verdicts):.1%}")
    found.caption = f"{report.requests:,} requests, {report.verdicts:,} verdicts, {report.seconds:.1f} s"
    return found


def _rules(report: Report, ruleset: Ruleset) -> Table:
    found = table("Signals", "rule", "effect", "level", "verdicts")
    for id, count in report.signals.items():
        rule = ruleset.by_id.get(id)
        effect = (rule.action if rule.mode == "enforce" and rule.action else "monitor") if rule else ""
        found.add_row(escape(title(id, ruleset)), effect, rule.level if rule else "", f"{count:,}")
    return found


def _accounts(report: Report) -> Table:
    found = table("Accounts", "account", "requests", "allowed", "throttled", "denied", "withheld", "stage")
    rows = sorted(report.accounts.items(), key=_severity)
    for name, account in rows[:MOST_ACCOUNTS]:
        numbers = (account.requests, account.allowed, account.throttled, account.denied, account.withheld)
        found.add_row(escape(name), *(f"{number:,}" for number in numbers), account.stage)
    if len(rows) > MOST_ACCOUNTS:
        found.caption = f"and {len(rows) - MOST_ACCOUNTS:,} more; --format json has them all"
    return found


def _severity(row: tuple[str, AccountReport]) -> tuple[int, int, str]:
    name, account = row
    return (-(account.denied + account.throttled + account.withheld), -account.requests, name)


def _cases(report: Report, ruleset: Ruleset) -> Table:
    found = table("Cases", "account", "stage", "strikes", "until (UTC)", "rules")
    for case in report.cases:
        until = "" if case.until is None else moment(case.until)
        rules = "\n".join(title(rule, ruleset) for rule in case.rules)
        found.add_row(escape(name_of(case.account)), case.stage, str(case.strikes), until, escape(rules))
    return found


def table(name: str, first: str, *others: str, whole: bool = True) -> Table:
    """An empty table in the one style that all of them have: what is too long for a cell is folded.

    ``whole``: but for the first column, which stays on one line.
    """
    found = Table(
        title=name,
        title_justify="left",
        caption_justify="left",
        header_style="bold",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    found.add_column(first, no_wrap=whole, overflow="fold")
    for column in others:
        found.add_column(column, justify="left" if column in WORDS else "right", overflow="fold")
    return found
