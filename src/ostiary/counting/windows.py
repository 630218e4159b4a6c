"""A sliding window as K whole buckets and the current one.

The sum of K whole buckets, the current one, and any bucket in the future (clocks differ) is never below the number of
requests in the true window that ends now, so a limit on the sum is never exceeded in any true window; with K = 20 it
refuses up to 1/21 early. ``tests/counting`` simulates both claims.

A bucket's name says which counter and group it belongs to and when it may be forgotten, so that a process can remove buckets
of a Ruleset that it does not know. Names are short on purpose: an item's size is what each write costs.
"""

from __future__ import annotations

import hashlib
import math
from base64 import b32encode
from collections.abc import Iterable, Mapping

from ostiary.vocabulary.rule import Counter

GRACE_MS = 5_000
"""A bucket is kept this long after its window, for processes whose clock is behind."""
MAX_REMOVALS = 60
"""Buckets that one write removes at most: an update expression holds 4 KB and 300 operators."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def bucket_at(counter: Counter, now: float) -> int:
    """The number of the bucket that ``now`` (epoch seconds) falls in."""
    return math.floor(now * counter.buckets / counter.timespan)


def leaves_at(counter: Counter, bucket: int) -> float:
    """Epoch seconds at which a bucket no longer counts: when it and all K after it are in the past."""
    return (bucket + counter.buckets + 1) * counter.timespan / counter.buckets


def bucket_name(counter: Counter, group: str, bucket: int) -> str:
    """``<counter>[.<group>].<when it may be forgotten>``, the last as milliseconds in base 36, which ``int`` reads.

    >>> c = Counter("abcdef", "limit", 60, 20, ("account.id",), (0,))
    >>> bucket_name(c, "", bucket_at(c, 1_700_000_000.0))
    'abcdef.loyw59zk'
    """
    expiry = math.floor(leaves_at(counter, bucket) * 1000) + GRACE_MS
    return f"{counter.id}.{group}.{_encode(expiry)}" if group else f"{counter.id}.{_encode(expiry)}"


def group_hash(values: Iterable[str]) -> str:
    """Eight characters for the values that a counter groups by beyond the principal.

    >>> len(group_hash(["claude"])), group_hash(["a", "b"]) == group_hash(["ab"])
    (8, False)
    """
    digest = hashlib.blake2b(digest_size=5)
    for value in values:
        data = value.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return b32encode(digest.digest()).decode().lower()


class Windows:
    """The buckets of one principal's item, ready to be asked.

    ``buckets``: bucket name → count. A name that can't be read belongs to a newer version of the code, and is left alone.
    """

    def __init__(self, buckets: Mapping[str, int]) -> None:
        self._found: dict[str, list[tuple[int, int]]] = {}
        for name, count in buckets.items():
            series, _, expiry = name.rpartition(".")
            milliseconds = _decode(expiry)
            if milliseconds is not None:
                self._found.setdefault(series, []).append((milliseconds, count))

    def _kept(self, counter: Counter, group: str, now: float) -> list[tuple[int, int]]:
        """(bucket, count) of every bucket that counts at ``now``, oldest first."""
        series = f"{counter.id}.{group}" if group else counter.id
        oldest = bucket_at(counter, now) - counter.buckets
        numbered = sorted((_number(counter, expiry), count) for expiry, count in self._found.get(series, ()))
        return [(bucket, count) for bucket, count in numbered if bucket >= oldest]

    def used(self, counter: Counter, group: str, now: float) -> int:
        """What the window holds at ``now``, never below zero."""
        return max(0, sum(count for _, count in self._kept(counter, group, now)))

    def reset(self, counter: Counter, group: str, now: float, room: int) -> float:
        """Seconds until the window holds at most ``room`` (0 when it does now), if nothing more comes."""
        kept = self._kept(counter, group, now)
        excess = sum(count for _, count in kept) - room
        for bucket, count in kept:
            if excess <= 0:
                break
            excess -= count
            if excess <= 0:
                return max(0.0, leaves_at(counter, bucket) - now)
        return 0.0 if excess <= 0 else float(counter.timespan)


def stale(names: Iterable[str], now: float) -> tuple[str, ...]:
    """Of bucket names seen in an earlier answer, those that may be removed at ``now``; at most ``MAX_REMOVALS``."""
    limit = now * 1000
    found = []
    for name in names:
        expiry = _decode(name.rpartition(".")[2])
        if expiry is not None and expiry < limit:
            found.append(name)
            if len(found) == MAX_REMOVALS:
                break
    return tuple(found)


def _number(counter: Counter, expiry: int) -> int:
    return round((expiry - GRACE_MS) / 1000 * counter.buckets / counter.timespan) - counter.buckets - 1


def _encode(number: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits)) or "0"


def _decode(text: str) -> int | None:
    try:
        return int(text, len(_DIGITS))
    except ValueError:
        return None
