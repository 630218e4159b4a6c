"""A Verdict → the Answer of its action, with what every gateway adds."""

from __future__ import annotations

from dataclasses import replace

from ostiary.actions import allow, deny, throttle, withhold
from ostiary.actions.answer import Answer, cors
from ostiary.gateways.headers import sanitised
from ostiary.settings import Settings
from ostiary.vocabulary.request import Request
from ostiary.vocabulary.verdict import Effect, Verdict

_ACTIONS = {"allow": allow.answer, "throttle": throttle.answer, "deny": deny.answer, "withhold": withhold.answer}


def action_of(effect: Effect) -> str:
    """The action that an effect asks for.

    >>> action_of(Effect("allowed", withhold=("reasoning",)))
    'withhold'
    """
    if effect.outcome == "throttled":
        return "throttle"
    if effect.outcome == "denied":
        return "deny"
    return "withhold" if effect.withhold else "allow"


def origin_of(request: Request) -> str | None:
    """The ``Origin`` header, when it came once."""
    origin = request.fields.get("http.request.header.origin")
    return origin if isinstance(origin, str) else None


def answer(verdict: Verdict, request: Request, settings: Settings) -> Answer:
    """What the caller gets, with CORS headers on a refusal and every header value safe to send."""
    found = _ACTIONS[action_of(verdict.effect)](verdict, settings)
    more = cors(origin_of(request), settings) if found.problem is not None else ()
    headers = tuple((name, sanitised(value)) for name, value in (*found.headers, *more))
    return replace(found, headers=headers, upstream=tuple((name, sanitised(value)) for name, value in found.upstream))
