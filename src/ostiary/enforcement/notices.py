"""What an account holder is told: subject, text, clause, until when, and where to appeal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from ostiary.enforcement.policy import StageTerms
from ostiary.ruleset.policy import NOTICE_WORDS
from ostiary.vocabulary.case import Case

_WORD = re.compile(r"\{([a-z]+)\}")
UNTIL_RELEASED = "until it is reviewed"
NO_APPEAL = "your provider's support"
RELEASED_SUBJECT = "The measures on your account have ended"
RELEASED_TEXT = "The measures on {account} were lifted after a review. Nothing more is needed from you."


def notice(terms: StageTerms, case: Case, *, key: str, clause: str | None, appeal: str) -> dict[str, str]:
    """The notice of a stage that a Case has reached. ``key`` is its Action's, so that receivers can drop a second delivery."""
    return _written(terms.subject, terms.text, case, key=key, stage=terms.stage, clause=clause or terms.clause or "", appeal=appeal)


def released(case: Case, *, key: str, appeal: str) -> dict[str, str]:
    """The notice of a release."""
    return _written(RELEASED_SUBJECT, RELEASED_TEXT, case, key=key, stage="none", clause="", appeal=appeal)


def moment(time: float | None) -> str:
    """A time as people and programs read it (RFC 3339, UTC, whole seconds); without one, the word for an open end.

    >>> moment(0)
    '1970-01-01T00:00:00Z'
    """
    return UNTIL_RELEASED if time is None else datetime.fromtimestamp(int(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _written(subject: str, text: str, case: Case, *, key: str, stage: str, clause: str, appeal: str) -> dict[str, str]:
    words = {
        "account": case.account,
        "stage": stage,
        "clause": clause or "the terms of service",
        "until": moment(case.until),
        "appeal": appeal or NO_APPEAL,
    }
    return {
        "id": key,
        "subject": _filled(subject, words),
        "text": _filled(text, words),
        "account": case.account,
        "case": case.account,
        "version": str(case.version),
        "stage": stage,
        "clause": clause,
        "until": "" if case.until is None else moment(case.until),
        "appeal": appeal,
    }


def _filled(text: str, words: Mapping[str, str]) -> str:
    """Fills the known words in; what an account's name happens to hold in braces is not filled again."""
    return _WORD.sub(lambda found: words[found[1]] if found[1] in NOTICE_WORDS else found[0], text)
