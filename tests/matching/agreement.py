"""One case of the comparison with pySigma: a generated document, and what both sides say of some events.

``OURS_ALONE`` and ``PYSIGMA_ALONE`` name every construct that one side refuses and the other takes, ``READ_APART`` those that both take
and read differently. Anything else that differs is a difference.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from ostiary.language.compile import compile_paths
from ostiary.matching.evaluate import Evaluator


def _beside(name: str) -> ModuleType:
    known = sys.modules.get(f"matching_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"matching_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"matching_{name}"] = module
    spec.loader.exec_module(module)
    return module


documents = _beside("documents")
sigma_oracle = _beside("sigma_oracle")
NOW = 1_800_000_000.0

OURS_ALONE = {
    "null-in-list": "the specification: null is no member of a list",
    "all-of-one": "the specification: `all` needs more than one value",
    "base64-short": "one byte leaves no letter of base64 that depends on it alone, so pySigma looks for an empty text",
    "encoding-alone": "an encoding means something only before base64: the specification",
    "encoding-wildcard": "pySigma encodes around wildcards, which base64 then refuses anyway",
    "modifier-value": "pySigma drops the modifiers of an empty list, and reads a list of `exists`",
    "modifier-twice": "pySigma takes a modifier, or two names of one, twice",
    "modifier-order": "pySigma encodes what has wildcards already, and negates `exists`",
    "date-part": "pySigma takes the hour 99, and cuts numbers to whole ones",
}
"""Kinds of mistakes that pySigma does not see → why they are mistakes."""
PYSIGMA_ALONE = {
    r"Regular expression modifier only applicable to unmodified": "`all` and `neq` may stand before `re` here",
    r"CIDR expression modifier only applicable to unmodified": "`all` and `neq` may stand before `cidr` here",
    r"Modifier Sigma(Contains|Startswith|Endswith|Base64|Base64Offset|Wide|UTF16|UTF16BE|WindowsDash|CaseSensitive)\w* incompatible": (
        "the specification takes numbers where it takes text"
    ),
    r"(Wide|UTF-16|UTF-16BE) modifier only allowed": "any text has an encoding in UTF-16",
    r"found '-'": "a selection's name with a dash may stand after `of`",
    r"windash modifier expands at most three": "here four dashes expand",
}
"""What pySigma refuses (its message) → why it is right here."""
READ_APART = {
    r"\bcased\b[^'\":\n]*\|base64": "pySigma forgets `cased` when it encodes",
    r"\|re\b[^'\":\n]*\|(startswith|endswith)": "pySigma leaves the anchoring of expressions to its backends",
}
"""A pattern of the document's text → why the two readings differ."""


@dataclass(frozen=True, slots=True)
class Case:
    """What came of a document. ``outcome``: compared; refused (by both); ours-alone, pysigma-alone, read-apart; or different."""

    outcome: str
    why: str = ""
    document: str = ""
    event: Any = None
    matches: int = 0
    """Of the events, how many the rule matches."""


def compare(random: Random, file: Path, events: int = 12) -> Case:
    """Draws a case, writes its document to ``file``, and holds both sides against each other."""
    document, drawn = documents.case(random, events)
    file.write_text(document, encoding="utf-8")
    compiled = compile_paths([file], foreign_fields=True, now=NOW)
    kinds = {mistake.kind for mistake in compiled.mistakes}
    try:
        oracle = sigma_oracle.Oracle(document)
    except sigma_oracle.RefusedByPySigma as refused:
        if compiled.ruleset is None:
            return Case("refused")
        why = next((why for pattern, why in PYSIGMA_ALONE.items() if re.search(pattern, str(refused))), None)
        return Case("different", f"pySigma alone refuses: {refused}", document) if why is None else Case("pysigma-alone", why)
    if compiled.ruleset is None:
        if kinds <= OURS_ALONE.keys():
            return Case("ours-alone", ", ".join(sorted(kinds)))
        return Case("different", f"Ostiary alone refuses: {[mistake.message for mistake in compiled.mistakes]}", document)
    for pattern, why in READ_APART.items():
        if re.search(pattern, document):
            return Case("read-apart", why)
    evaluator = Evaluator(compiled.ruleset, foreign=True)
    matches = 0
    for event in drawn:
        ours, theirs = bool(evaluator.evaluate(event, event)), oracle.matches(event)
        matches += theirs
        if ours is not theirs:
            return Case("different", f"Ostiary {ours}, pySigma's tree {theirs}", document, event)
    return Case("compared", matches=matches)
