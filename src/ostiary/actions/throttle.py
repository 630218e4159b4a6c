"""Throttle: 429, and when to come again. Only a limit is answered like this."""

from __future__ import annotations

from ostiary.actions.answer import MAX_OBEYED_RETRY_SECONDS, Answer, refusal
from ostiary.settings import Settings
from ostiary.vocabulary.verdict import Verdict


def answer(verdict: Verdict, settings: Settings) -> Answer:
    """429 (RFC 6585) with ``Retry-After``. Clients are told not to retry by themselves what they would retry too early anyway."""
    wait = max(1, verdict.effect.retry_after or 1)
    return refusal(verdict, settings, status=429, retry_after=wait, should_retry=wait <= MAX_OBEYED_RETRY_SECONDS)
