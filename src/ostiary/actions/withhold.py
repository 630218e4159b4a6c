"""Withhold: the request goes on, and the upstream is told what to leave out of its answer."""

from __future__ import annotations

from dataclasses import replace

from ostiary.actions import allow
from ostiary.actions.answer import Answer
from ostiary.settings import Settings
from ostiary.vocabulary.verdict import Verdict


def answer(verdict: Verdict, settings: Settings) -> Answer:
    """As ``allow``, and ``x-ostiary-withhold: reasoning, logprobs`` for the upstream, which does the leaving out."""
    allowed = allow.answer(verdict, settings)
    return replace(allowed, upstream=(*allowed.upstream, ("x-ostiary-withhold", ", ".join(verdict.effect.withhold))))
