"""Deny: trying again does not help, but for a gate that could not judge."""

from __future__ import annotations

from ostiary.actions.answer import Answer, refusal
from ostiary.settings import Settings
from ostiary.vocabulary.verdict import Verdict

UNAVAILABLE_RETRY_SECONDS = 5
"""When a request that nobody could judge may come again."""


def answer(verdict: Verdict, settings: Settings) -> Answer:
    """403 with ``x-should-retry: false``; 503 while the gate fails closed; 400 for a request that can't be read.

    ``request_refused`` by a rule is a 403 as any other; without a rule it is an adapter's, about the request's form.
    """
    effect = verdict.effect
    if effect.reason == "service_unavailable":
        return refusal(verdict, settings, status=503, retry_after=effect.retry_after or UNAVAILABLE_RETRY_SECONDS, should_retry=True)
    if effect.reason == "request_refused" and effect.rule is None:
        return refusal(verdict, settings, status=400, retry_after=None, should_retry=False, type="invalid_request_error")
    return refusal(verdict, settings, status=403, retry_after=None, should_retry=False)
