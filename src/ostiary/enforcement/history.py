"""A Case's history as a hash chain: each step's digest covers the step and the digest before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from ostiary.vocabulary.case import CaseStep
from ostiary.vocabulary.plain import to_plain


def sealed(step: CaseStep, before: Sequence[CaseStep]) -> CaseStep:
    """The step with ``previous`` (the digest of the last step before it, empty for the first) and its own ``digest``."""
    linked = replace(step, previous=before[-1].digest if before else "", digest="")
    return replace(linked, digest=digest(linked))


def digest(step: CaseStep) -> str:
    """SHA-256, in hex, of the step's canonical JSON (sorted keys, no spaces, UTF-8), with an empty ``digest``.

    Times are written in whole microseconds: a store may keep a number in another form, and must give the same digest.
    """
    plain = to_plain(replace(step, digest=""))
    plain["time"] = round(step.time * 1_000_000)
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def broken(steps: Sequence[CaseStep]) -> int | None:
    """The version of the first step that was changed, or whose predecessor is missing; None when the chain holds.

    A chain says nothing of steps cut off its end: compare the last version with the Case's.
    """
    previous = ""
    for step in steps:
        if step.previous != previous or step.digest != digest(step):
            return step.version
        previous = step.digest
    return None
