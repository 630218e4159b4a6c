"""The escalation policy's document: what it may say, and every mistake in one, with the path of the key.

The document is recognised by its key ``escalation``. What it means at run time is ``enforcement.policy``; ``docs/escalation.md``
explains it to authors.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from ostiary.ruleset.policy import (
    COMPARISONS,
    FACTS,
    MAX_CONDITIONS,
    MAX_PRODUCTIONS,
    MAX_TEXT_CHARS,
    MAX_VALUES,
    MAX_WHOLE,
    NOTICE_WORDS,
    POLICY_STAGES,
    Operand,
    operand,
    seconds,
)
from ostiary.vocabulary.rule import LEVELS, Level
from ostiary.vocabulary.state import STAGES

KeyPath = tuple[str | int, ...]
Problem = tuple[KeyPath, str, str]
"""Path of the key or list position in the document, message, hint."""

MAX_STRIKES = 1000
MAX_NOTICE_CHARS = 2000
MAX_SUBJECT_CHARS = 100
Duration = StrictStr
Strikes = Annotated[StrictInt, Field(ge=0, le=MAX_STRIKES)]
Name = Annotated[StrictStr, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Literal_ = StrictBool | StrictInt | StrictStr
_BRACES = re.compile(r"\{([^{}]*)\}")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)


class StrikesModel(_Model):
    """Strikes that a Finding adds."""

    level: dict[Level, Strikes] = {}
    kind: dict[Literal["limit", "correlation"], Strikes] = {}
    topic: dict[StrictStr, Strikes] = {}
    rule: dict[StrictStr, Strikes] = {}


class DecayModel(_Model):
    """When strikes halve."""

    half_life: Duration = Field(alias="half-life")


class StageModel(_Model):
    """What a stage does, says, and for how long."""

    duration: Duration | None = Field(default=None, alias="for")
    deny: StrictBool = False
    withhold: Annotated[list[Literal["reasoning", "logprobs"]], Field(min_length=1)] | None = None
    limit_share: Annotated[float, Field(gt=0, le=1)] | None = Field(default=None, alias="limit-share")
    clause: StrictStr | None = None
    subject: Annotated[StrictStr, Field(max_length=MAX_SUBJECT_CHARS)] | None = None
    notice: Annotated[StrictStr, Field(max_length=MAX_NOTICE_CHARS)] | None = None


class StagesModel(_Model):
    """The ladder's stages that come about by themselves."""

    watch: StageModel | None = None
    warn: StageModel | None = None
    restrict: StageModel | None = None
    suspend: StageModel | None = None


class BreakerModel(_Model):
    """How many automatic suspensions are believed."""

    suspensions: Annotated[StrictInt, Field(ge=1)]
    per: Duration


class ThenModel(_Model):
    """What a production does."""

    stage: Literal["watch", "warn", "restrict", "suspend"]


class ProductionModel(_Model):
    """One production rule."""

    name: Name
    description: StrictStr | None = None
    when: Annotated[dict[StrictStr, Literal_ | Annotated[list[Literal_], Field(min_length=1, max_length=MAX_VALUES)]], Field(min_length=1)]
    then: ThenModel


class PolicyModel(_Model):
    """An escalation policy."""

    escalation: Name
    description: StrictStr | None = None
    strikes: StrikesModel = StrikesModel()
    decay: DecayModel | None = None
    window: Duration | None = None
    absorb: dict[Literal["limit", "correlation"], Duration] = {}
    stages: StagesModel
    breaker: BreakerModel | None = None
    productions: Annotated[list[ProductionModel], Field(max_length=MAX_PRODUCTIONS)] = []


def validate(data: Mapping[str, Any]) -> list[Problem]:
    """Every mistake of a policy's document, in the order of its keys; empty when it is right."""
    try:
        model = PolicyModel.model_validate(dict(data))
    except ValidationError as error:
        return _structure(error)
    return [*_durations(model), *_stages(model), *_productions(model)]


def canonical(data: Mapping[str, Any]) -> str:
    """The document as the Ruleset carries it: JSON with sorted keys, so that the same policy has the same digest.

    Call it only for a document without mistakes. The order of productions is kept; the order of conditions means nothing.
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _structure(error: ValidationError) -> list[Problem]:
    found: dict[KeyPath, Problem] = {}
    for one in error.errors(include_url=False, include_context=False):
        # A union's alternatives each say why they are not it; the document's own keys end before the alternative's name.
        path = tuple(part for part in one["loc"] if not _alternative(part))
        missing = one["type"] == "missing"
        if one["type"] == "extra_forbidden":
            message, hint = f"{path[-1]!r} is no key here", _near(str(path[-1]), _keys(path[:-1]))
        elif path[:1] == ("productions",) and path[2:3] == ("when",) and one["type"] != "missing":
            message, hint = f"a condition's value is text, a whole number, true or false, or a list of 1 to {MAX_VALUES} of these", ""
        else:
            message, hint = (f"{path[-1]!r} is missing" if missing else one["msg"][:1].lower() + one["msg"][1:]), ""
        found.setdefault(path, (path[:-1] if missing else path, message, hint))
    return list(found.values())


def _alternative(part: str | int) -> bool:
    return isinstance(part, str) and (part in ("bool", "int", "str", "[key]") or part.startswith(("list[", "constrained-")))


def _keys(path: KeyPath) -> tuple[str, ...]:
    """The keys that a mapping of the document may have."""
    model: Any = PolicyModel
    for part in path:
        if isinstance(part, int):
            continue
        child = {"strikes": StrikesModel, "decay": DecayModel, "stages": StagesModel, "breaker": BreakerModel, "then": ThenModel}
        child |= dict.fromkeys(POLICY_STAGES, StageModel) | {"productions": ProductionModel}
        model = child.get(part, model)
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _durations(model: PolicyModel) -> list[Problem]:
    half_life = model.decay.half_life if model.decay else None
    texts: list[tuple[KeyPath, str | None]] = [(("decay", "half-life"), half_life), (("window",), model.window)]
    texts += [(("absorb", kind), text) for kind, text in model.absorb.items()]
    texts += [(("stages", stage, "for"), terms.duration) for stage, terms in _terms(model).items()]
    texts.append((("breaker", "per"), model.breaker.per if model.breaker else None))
    problems = []
    for path, text in texts:
        try:
            if text is not None:
                seconds(text)
        except ValueError as error:
            problems.append((path, str(error), ""))
    return problems


def _terms(model: PolicyModel) -> dict[str, StageModel]:
    return {stage: terms for stage in POLICY_STAGES if (terms := getattr(model.stages, stage)) is not None}


def _stages(model: PolicyModel) -> list[Problem]:
    problems: list[Problem] = []
    for stage, terms in _terms(model).items():
        path: KeyPath = ("stages", stage)
        effects = [key for key, given in (("deny", terms.deny), ("withhold", terms.withhold), ("limit-share", terms.limit_share)) if given]
        if stage in ("watch", "warn") and effects:
            problems.append(((*path, effects[0]), f"{stage} takes nothing from an account", "move the effect to restrict or suspend"))
        if stage == "watch" and terms.notice:
            problems.append(((*path, "notice"), "watch is silent", "the first notice belongs to warn"))
        if effects and terms.duration is None:
            problems.append((path, f"{stage} has an effect but no end", "say for how long, such as `for: 7d`"))
        if stage != "watch" and not (terms.notice and terms.subject):
            problems.append((path, f"{stage} tells the account holder nothing", "write `subject` and `notice`"))
        for key, text in (("subject", terms.subject), ("notice", terms.notice)):
            for word in _BRACES.findall(text or ""):
                if word not in NOTICE_WORDS:
                    problems.append(((*path, key), f"{{{word}}} is no word of a notice", _near(word, NOTICE_WORDS)))
    return problems


def _productions(model: PolicyModel) -> list[Problem]:
    problems: list[Problem] = []
    names: set[str] = set()
    for number, production in enumerate(model.productions):
        path: KeyPath = ("productions", number)
        if production.name in names:
            problems.append(((*path, "name"), f"two productions have the name {production.name!r}", ""))
        names.add(production.name)
        if production.then.stage not in _terms(model):
            message = f"stages does not describe {production.then.stage!r}"
            problems.append(((*path, "then", "stage"), message, "describe it, or reach another"))
        if len(production.when) > MAX_CONDITIONS:
            problems.append(((*path, "when"), f"{len(production.when)} conditions; at most {MAX_CONDITIONS}", "split the production"))
        for key, value in production.when.items():
            found = _condition(key, value)
            if found is not None:
                problems.append(((*path, "when", key), *found))
    return problems


def _condition(key: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with one condition: message and hint."""
    try:
        left = operand(key)
    except ValueError as error:
        return str(error), _near(key.partition("|")[0], tuple(f"{subject}.{name}" for subject in FACTS for name in FACTS[subject]))
    if left.reference:
        return _reference(left, value)
    values = value if isinstance(value, list) else [value]
    if left.comparison in COMPARISONS[1:] and len(values) > 1:
        return f"{left.comparison} takes one value, not a list", ""
    for one in values:
        message = _literal(left, one)
        if message is not None:
            return message, _near(str(one), {"level": LEVELS, "stage": STAGES}.get(left.kind, ()))
    return None


def _literal(left: Operand, value: bool | int | str) -> str | None:
    ordered = left.comparison in COMPARISONS[1:]
    if left.kind == "level" and value not in LEVELS:
        return f"{value!r} is no level; there are {', '.join(LEVELS)}"
    if left.kind == "stage" and value not in STAGES:
        return f"{value!r} is no stage; there are {', '.join(STAGES)}"
    if left.kind == "number" and (isinstance(value, bool) or not isinstance(value, int)):
        return f"{left.subject}.{left.name} is a whole number, {value!r} is none"
    if left.kind == "text" and not isinstance(value, str):
        return f"{left.subject}.{left.name} is text; write {value!r} in quotes"
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        return f"a text of {len(value)} characters; at most {MAX_TEXT_CHARS}"
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        return f"{value} is beyond {MAX_WHOLE}"
    if ordered and (left.kind == "text" or (left.kind == "any" and (isinstance(value, (bool, str))))):
        return f"{left.comparison} compares numbers, levels and stages; {value!r} is none"
    return None


def _reference(left: Operand, value: Any) -> tuple[str, str] | None:
    if left.subject not in ("other", "third"):
        return f"fieldref compares a fact of other. or third.; {left.subject}.{left.name} is none", "turn the condition round"
    try:
        right = operand(value if isinstance(value, str) else "")
    except ValueError as error:
        return str(error), "write a fact's name, such as finding.rule"
    if "|" in str(value) or right.subject not in ("finding", "other") or right.subject == left.subject:
        return f"{value!r} can't be referred to here", "other. refers to finding.; third. refers to finding. and other."
    if right.kind != left.kind:
        return f"{left.subject}.{left.name} is a {left.kind}, {value} is a {right.kind}", ""
    if left.kind == "text" and left.comparison in COMPARISONS[1:]:
        return f"{left.comparison} compares numbers and levels; {left.subject}.{left.name} is text", ""
    return None


def _near(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}" if known and len(known) < 12 else ""
