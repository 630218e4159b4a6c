"""Parts of a date: minute to year of a time, in UTC (weeks are those of ISO 8601)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ostiary.matching.subject import Subject, number
from ostiary.vocabulary.plan import DatePart
from ostiary.vocabulary.request import Scalar

Check = Callable[[Subject], bool]
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s?([Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def moment(value: Scalar) -> datetime | None:
    """The time that a value is, in UTC; None for what is no time, and for years that no calendar of ours has (1 to 9999).

    RFC 3339, as logs write it too: a space for T, no seconds, no offset (then it is UTC), a leap second. A number, or a text that
    writes one, is epoch seconds.

    >>> moment("2026-03-01T01:30:00+02:00").isoformat(), moment(86_400).isoformat(), moment("yesterday")
    ('2026-02-28T23:30:00+00:00', '1970-01-02T00:00:00+00:00', None)
    """
    seconds = number(value)
    try:
        if seconds is not None:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        found = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return None
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        local = datetime(year, month, day, hour, minute, 59 if second == 60 else second, tzinfo=_zone(found[7]))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str | None) -> timezone:
    if offset is None or offset in "Zz":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(offset)
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1))


def _week(time: datetime) -> int:
    return time.isocalendar().week


def date_part(leaf: DatePart) -> Check:
    field, bound, holds = leaf.field, leaf.number, _OPERATORS[leaf.operator]
    part: Callable[[datetime], int] = _week if leaf.part == "week" else operator.attrgetter(leaf.part)

    def check(subject: Subject) -> bool:
        return any(time is not None and holds(part(time), bound) for time in map(moment, subject.values(field)))

    return check
