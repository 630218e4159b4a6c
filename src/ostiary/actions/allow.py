"""Allow: the request goes on, with the verdict's id for the upstream and the state of the limits for the caller."""

from __future__ import annotations

from ostiary.actions.answer import Answer, rate_limit
from ostiary.settings import Settings
from ostiary.vocabulary.verdict import Verdict


def answer(verdict: Verdict, settings: Settings) -> Answer:
    """Status 200 stands for "go on"; the upstream's own status replaces it."""
    return Answer(200, rate_limit(verdict), upstream=(("x-ostiary-verdict", verdict.id),))
