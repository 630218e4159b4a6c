"""What ``record`` needs of a request to decide correlations by anything but its principal: hashes and numbers, never a text."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterable
from hashlib import blake2b

from ostiary.matching.correlate_gather import View, fields_of, finite, in_order, resolved
from ostiary.matching.correlate_measure import NUMERIC
from ostiary.matching.subject import canonical
from ostiary.vocabulary.plan import is_fact
from ostiary.vocabulary.request import Fields, Scalar
from ostiary.vocabulary.rule import Correlation, Ruleset

MAX_FEATURES = 16
"""Fields of one request's record; correlations that read others, in the order of their names, don't count that request."""
MAX_VALUES_READ = 1024
"""Values of one field that are looked at."""
MAX_FEATURE_VALUES = 8
"""Values of one of them."""
HASH_CHARACTERS = 12
_HASH_MARK = "h"

Feature = str | int | float | bool


def left_to_record(ruleset: Ruleset) -> frozenset[int]:
    """Indexes of the correlations that ``record`` decides, and of all those that they refer to, wherever these are decided."""
    found = {rule.index for rule in ruleset.rules if _is_left(rule.correlation) and rule.category == "request"}
    for rule in reversed(in_order(ruleset)):
        if rule.correlation is not None and rule.index in found:
            found |= {index for index in rule.correlation.rules if ruleset.rules[index].correlation is not None}
    return frozenset(found)


def _is_left(correlation: Correlation | None) -> bool:
    return correlation is not None and not correlation.counter


class Hashing:
    """Keyed hashes of texts (BLAKE2b, RFC 7693): who reads a table can't try texts against them."""

    def __init__(self, secret: str) -> None:
        self._empty = blake2b(key=blake2b(secret.encode()).digest(), digest_size=7)

    def text(self, text: str) -> str:
        """Twelve characters; the first is a letter that no number starts with.

        >>> len(Hashing("a secret").text("x")), Hashing("a secret").text("x") == Hashing("another").text("x")
        (12, False)
        """
        found = self._empty.copy()
        found.update(text.encode("utf-8", "surrogatepass"))
        return (_HASH_MARK + b32encode(found.digest()).decode().lower())[:HASH_CHARACTERS]

    def key(self, value: Scalar) -> str | None:
        """What tells two features apart: a text is a hash already, and a number is the same as the text that writes it."""
        if isinstance(value, str):
            return value
        text = canonical(value)
        return None if text is None else self.text(text)


class Features:
    """Finds the features of requests, for one Ruleset."""

    def __init__(self, ruleset: Ruleset, secret: str) -> None:
        self._hashing = Hashing(secret)
        self._numeric: set[str] = set()
        self._fields: dict[int, set[str]] = {}
        for index in left_to_record(ruleset):
            correlation = ruleset.rules[index].correlation
            assert correlation is not None
            for rule in correlation.rules:
                # A fact is not known yet; ``record`` reads it from the item's image.
                names = {name for name in fields_of(correlation, rule) if not is_fact(name)}
                self._fields.setdefault(rule, set()).update(names)
                if correlation.type in NUMERIC:
                    self._numeric.update(resolved(correlation, rule, name) for name in correlation.fields)

    def of(self, matched: Iterable[int], fields: Fields) -> dict[str, tuple[Feature, ...]]:
        """Field → its values, for what the correlations over the ``matched`` rules (indexes) read; empty for nearly all requests."""
        names: set[str] = set()
        for index in matched:
            names |= self._fields.get(index, set())
        if not names:
            return {}
        view = View(fields)
        found = {name: _some(self._values(name, view)) for name in sorted(names)}
        return dict([(name, values) for name, values in found.items() if values][:MAX_FEATURES])

    def _values(self, name: str, view: View) -> Iterable[Feature]:
        for value in view.values(name)[:MAX_VALUES_READ]:
            text = canonical(value)
            if isinstance(value, bool):
                yield value
            elif text is not None:
                numbers = list(finite([value])) if name in self._numeric or not isinstance(value, str) else []
                yield numbers[0] if numbers else self._hashing.text(text)


def _some(values: Iterable[Feature]) -> tuple[Feature, ...]:
    """At most ``MAX_FEATURE_VALUES``. Of more, those whose hashes sort first: who sends eight constants before the one that changes can't
    know which of them are kept."""
    found = tuple(values)
    return found if len(found) <= MAX_FEATURE_VALUES else tuple(sorted(found, key=str)[:MAX_FEATURE_VALUES])
