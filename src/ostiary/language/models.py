"""What documents look like, as pydantic models: frozen, strict, no unknown keys. Detections have their own parser."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ostiary.vocabulary.rule import DEFAULT_BUCKETS, MAX_BUCKETS, ActionName, CorrelationType, Mode, OnError

MAX_TITLE_CHARS = 256
MAX_TEST_TIMES = 100_000
MAX_TIMESPAN_SECONDS = 366 * 86_400
MAX_STEPS = 100
"""Steps of a test's sequence."""
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

_TIMESPAN = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_CALENDAR = re.compile(r"[0-9]+([My])")

Withheld = Literal["reasoning", "logprobs"]
Waived = Literal["throttle", "deny", "withhold", "strikes"]
Expect = Literal["none", "signal", "allowed", "withheld", "throttled", "denied"]


def seconds(value: object) -> int:
    """A timespan such as ``15m`` in seconds. Raises ``ValueError`` that says what one looks like.

    >>> seconds("15m"), seconds("1d")
    (900, 86400)
    """
    found = _TIMESPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None and isinstance(value, str) and _CALENDAR.fullmatch(value):
        raise ValueError(f"is `{value}`; months and years differ in length: write days, such as {30 if value[-1] == 'M' else 365}d")
    if found is None:
        raise ValueError(f"is `{value}`; a timespan is a whole number and s, m, h, d or w, such as 15m")
    span = int(found[1]) * UNIT_SECONDS[found[2]]
    if span > MAX_TIMESPAN_SECONDS:
        raise ValueError(f"is `{value}`; a timespan is at most {MAX_TIMESPAN_SECONDS // 86_400}d")
    return span


def moment_of_step(value: object) -> int:
    """When a step of a sequence happens, in seconds from its start: a timespan, or ``0s``. Raises ``ValueError``.

    >>> moment_of_step("0s"), moment_of_step("2m")
    (0, 120)
    """
    return 0 if value == "0s" else seconds(value)


def moment(value: object) -> float:
    """A date (its first moment, UTC) or an RFC 3339 time as epoch seconds. Raises ``ValueError``.

    >>> moment("1970-01-02"), moment("1970-01-01T01:00:00+01:00")
    (86400.0, 0.0)
    """
    try:
        parsed = datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise ValueError(f"is `{value}`; write a date such as 2027-02-01, or an RFC 3339 time")
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)).timestamp()


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _distinct(values: list[str]) -> list[str]:
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise ValueError(f"names `{twice}` twice")
    return values


def _date(value: object) -> object:
    parts = re.fullmatch(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})", value) if isinstance(value, str) else None
    if parts is None:
        raise ValueError(f"is `{value}`; write a date such as 2026-02-01")
    try:
        datetime.date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError as error:
        raise ValueError(f"is `{value}`: {error}") from None
    return value


_ONE_OR_MANY = BeforeValidator(_one_or_many, json_schema_input_type=str | list[str])
Word = Annotated[str, Field(min_length=1, max_length=256)]
Words = Annotated[list[Word], _ONE_OR_MANY, Field(min_length=1), AfterValidator(_distinct)]
Timespan = Annotated[int, BeforeValidator(seconds), WithJsonSchema({"type": "string", "pattern": f"^{_TIMESPAN.pattern}$"})]
Moment = Annotated[float, BeforeValidator(moment), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"})]
Date = Annotated[Any, BeforeValidator(_date), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}$"})]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=lambda name: name.replace("_", "-"))


class Metadata(BaseModel):
    """What Sigma says about a rule beside its detection. Other keys are looked at elsewhere."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS)]
    id: Word | None = None
    name: Word | None = None
    status: Annotated[Literal["stable", "test", "experimental", "deprecated", "unsupported"] | None, BeforeValidator(_lower)] = None
    level: Annotated[Literal["informational", "low", "medium", "high", "critical"], BeforeValidator(_lower)] = "informational"
    date: Date = None
    modified: Date = None


class Limit(_Document):
    """``ostiary: limit:``."""

    max: Annotated[int, Field(ge=1)]
    timespan: Timespan
    group_by: Words
    buckets: Annotated[int, Field(ge=1, le=MAX_BUCKETS)] = DEFAULT_BUCKETS
    penalise: bool = False


class Ours(_Document):
    """``ostiary:``: what a rule asks for beyond Sigma."""

    mode: Mode = "monitor"
    action: ActionName | None = None
    limit: Limit | None = None
    withhold: Annotated[
        list[Withheld], BeforeValidator(_one_or_many, json_schema_input_type=Withheld | list[Withheld]), AfterValidator(_distinct)
    ] = Field(default_factory=list)
    clause: Word | None = None
    message: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    on_error: OnError = "open"


class StepDocument(_Document):
    """One step of a test's ``sequence:``. Its fields are read from the nodes."""

    at: Annotated[int, BeforeValidator(moment_of_step), WithJsonSchema({"type": "string"})] | None = None
    request: dict[str, Any] | None = None
    record: dict[str, Any] | None = None
    times: Annotated[int, Field(ge=1, le=MAX_TEST_TIMES)] = 1
    expect: Expect | None = None


class RuleTestDocument(_Document):
    """One of ``tests:``: a request (or record), or a sequence of them. Fields are read from the nodes."""

    name: Word
    request: dict[str, Any] | None = None
    record: dict[str, Any] | None = None
    times: Annotated[int, Field(ge=1, le=MAX_TEST_TIMES)] | None = None
    sequence: Annotated[list[StepDocument], Field(min_length=1)] | None = None
    expect: Expect | None = None


class CorrelationDocument(_Document):
    """``correlation:``. What its condition says is read from the nodes."""

    type: Annotated[CorrelationType, BeforeValidator(_lower)]
    rules: Words | None = None
    group_by: Words
    timespan: Timespan
    condition: Any = None
    generate: bool | None = None
    aliases: dict[str, dict[str, Word]] = Field(default_factory=dict)


class ExemptionDocument(_Document):
    """A document that starts with ``exemption:``."""

    exemption: Word
    accounts: Words
    rules: Annotated[list[Word], _ONE_OR_MANY, AfterValidator(_distinct)] = Field(default_factory=list)
    waive: Annotated[
        list[Waived],
        BeforeValidator(_one_or_many, json_schema_input_type=Waived | list[Waived]),
        Field(min_length=1),
        AfterValidator(_distinct),
    ]
    reason: Word
    granted_by: Word
    expires: Moment


class ListDocument(_Document):
    """A YAML file of a ``lists/`` folder."""

    name: Annotated[Word, Field(alias="list")]
    owner: Word
    expires: Moment | None = None
    description: str | None = None
    values: list[str | int | float]
