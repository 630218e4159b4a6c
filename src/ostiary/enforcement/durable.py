"""The one file that touches durable-rules: productions compiled to its rules, facts asserted, the agenda read.

How version 2.0.28 must be used (its own source, and measurements): one ``Host`` a process, without its timer threads, since
each Host leaks its rulesets and the threads race ours; every fact must match some rule, so a catch-all stands in every
ruleset; facts of one session are asserted together, retracted together, and the session deleted, because ``delete_state`` with
partial joins left kills the process; strings coerce to numbers and True equals 1, so each kind
of value has a property of its own (``t…`` text, ``n…`` number, ``b…`` boolean) and text has a prefix. Seventy rules that wait for
one property fail (its error 303), a fact of three hundred properties kills the process, lists of values multiply its nodes until
creation hangs, with many matches in one session a retraction reads freed memory, and a join whose last
comparison fails reads past its end. So a policy is split over several rulesets, each session holds at most one pair of other
Findings, a join ends with a comparison that always holds, and whether a value is in a list is a property that we compute (no
invalid access under valgrind, and stable over 20,000 runs).
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

from ostiary.enforcement.facts import Facts
from ostiary.enforcement.policy import Condition, Policy, Production
from ostiary.ruleset.policy import MAX_PRODUCTIONS, MAX_TEXT_CHARS, MAX_WHOLE, Operand
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.request import Scalar

ALIASES = {"other": "m_1", "third": "m_2"}
"""Name of each joined fact in a durable rule; everything else is about the first."""
FIRST = "m_0"
NEWEST, OTHER = 1, 2
"""``role`` of a fact: the newest Finding with its Case and account; another Finding."""
MAX_PRODUCTIONS_A_RULESET = {0: 20, 1: 10, 2: 5}
"""By how many other Findings they join: with two, a production may have five partial or whole matches."""
MAX_CONDITIONS_A_RULESET = 40
"""Bounds the properties of a fact too: a condition needs two at most."""
_UNPRINTABLE = re.compile(r"[^ -~]|[\"\\]")


class EngineUnavailable(StoreError):
    """durable-rules does not import here, or refused what it was given."""


class DurableEngine:
    """The productions of one policy in durable-rules. Not for several threads at once: a Lambda process has one."""

    def __init__(self, policy: Policy) -> None:
        """Registers the productions with the process's one Host. Raises ``EngineUnavailable`` where the engine doesn't import."""
        assert len(policy.productions) <= MAX_PRODUCTIONS
        self._parts = [_Part(size, productions) for size, productions in _split(policy.productions)]

    def holding(self, facts: Facts) -> frozenset[str]:
        """Names of the productions that hold. Raises ``EngineUnavailable`` when the engine fails."""
        return frozenset().union(*(part.holding(facts) for part in self._parts))


def _joined(production: Production) -> int:
    """How many other Findings a production looks at beside the newest."""
    subjects = {part.subject for one in production.conditions for part in (one.operand, one.reference) if part is not None}
    return 2 if "third" in subjects else 1 if "other" in subjects else 0


def _split(productions: tuple[Production, ...]) -> list[tuple[int, list[Production]]]:
    """Productions by how many others they join, in parts that one ruleset can bear."""
    parts: list[tuple[int, list[Production]]] = []
    for size, most in MAX_PRODUCTIONS_A_RULESET.items():
        part: list[Production] = []
        for production in productions:
            if _joined(production) != size:
                continue
            conditions = sum(len(one.conditions) for one in (*part, production))
            if not part or len(part) == most or conditions > MAX_CONDITIONS_A_RULESET:
                part = []
                parts.append((size, part))
            part.append(production)
    return parts


class _Part:
    """Some productions as one ruleset of durable-rules, with the properties that their facts need."""

    def __init__(self, size: int, productions: list[Production]) -> None:
        self._size = size
        self._names = {production.name for production in productions}
        self._holding: set[str] = set()
        self._session = 0
        self._properties: dict[tuple[str, Scalar | tuple[Scalar, ...]], str] = {}
        definition: dict[str, Any] = {f"p{number:03}": self._rule(production) for number, production in enumerate(productions)}
        # Without it an assert that no production is interested in raises, and retracting then kills the process.
        definition["p999"] = {"all": [{FIRST: {"$gte": {"role": 0}}}], "run": lambda _: None}
        self._rules = _register(definition)

    def holding(self, facts: Facts) -> set[str]:
        self._holding.clear()
        first = self._encoded(facts.one)
        others = [self._encoded({f"other.{name}": value for name, value in one.items()}) for one in facts.others]
        for together in itertools.combinations(others, self._size):
            self._run([{"role": NEWEST, **first}, *({"role": OTHER, "ordinal": n, **one} for n, one in enumerate(together))])
            if self._holding == self._names:
                break
        return set(self._holding)

    def _run(self, facts: list[dict[str, Any]]) -> None:
        """One session: assert all, read the agenda, retract all, delete the session."""
        session = str(self._session)
        asserted = [{"sid": session, "id": number, **fact} for number, fact in enumerate(facts)]
        failures: list[object] = []
        try:
            state = self._rules.assert_facts(asserted)
            self._rules.do_actions(state, lambda error, _: failures.append(error))
            self._rules.retract_facts(asserted)
            self._rules.delete_state(session)
        except _library().durable_rules_engine.error as error:
            self._session += 1  # what is left of this session can't be cleaned up safely: the next uses another
            raise EngineUnavailable(f"durable-rules failed: {error}") from error
        if any(failures):
            raise EngineUnavailable(f"durable-rules failed: {next(filter(None, failures))}")

    def _encoded(self, facts: Mapping[str, Scalar]) -> dict[str, Any]:
        """The properties of one fact, as far as productions read them. An absent or unfit value has none, so nothing compares with it."""
        found: dict[str, Any] = {}
        for (name, among), property in self._properties.items():
            value = _fit(facts.get(name))
            if value is None:
                continue
            if isinstance(among, tuple):
                member = any(type(one) is type(value) and one == value for one in among)
                if member or all(type(one) is type(value) for one in among):
                    found[property] = int(member)
            elif property.startswith(_letter(value)):
                found[property] = _text(value)
        return found

    def _rule(self, production: Production) -> dict[str, Any]:
        patterns = [self._pattern(FIRST, NEWEST, [one for one in production.conditions if one.operand.subject not in ALIASES])]
        for name in list(ALIASES)[: self._size]:
            conditions = [one for one in production.conditions if one.operand.subject == name]
            patterns.append(self._pattern(ALIASES[name], OTHER, conditions, apart=name == "third"))
        return {"all": patterns, "run": self._noting(production.name)}

    def _noting(self, name: str) -> Callable[[object], None]:
        def note(_: object) -> None:
            self._holding.add(name)

        return note

    def _pattern(self, alias: str, role: int, conditions: list[Condition], *, apart: bool = False) -> dict[str, Any]:
        terms: list[dict[str, Any]] = [{"role": role}]
        if apart:
            terms.append({"$neq": {"ordinal": {ALIASES["other"]: "ordinal"}}})
        terms.extend(map(self._term, conditions))
        if role == OTHER:
            # Last in every join, and always true: the engine reads beyond a sequence of comparisons whose last one fails.
            terms.append({"$gt": {"role": {FIRST: "role"}}})
        return {alias: {"$and": terms}}

    def _term(self, condition: Condition) -> dict[str, Any]:
        left, right = condition.operand, condition.reference
        if right is not None:
            letter = "t" if left.kind == "text" else "n"
            value: Any = {ALIASES.get(right.subject, FIRST): self._property(right, letter)}
            return _compared(left.comparison, self._property(left, letter), value)
        literals = [value if condition.order is None else condition.order.index(str(value)) for value in condition.values]
        if left.comparison in ("eq", "neq") and len(literals) > 1:
            return {self._property(left, tuple(literals)): int(left.comparison == "eq")}
        return _compared(left.comparison, self._property(left, _letter(literals[0])), _text(literals[0]))

    def _property(self, operand: Operand, what: str | tuple[Scalar, ...]) -> str:
        """A short, plain name, whatever the fact is called (a dot would mean a nested object); ``what``: a letter, or the list."""
        subject = "other" if operand.subject in ALIASES else operand.subject
        letter = what if isinstance(what, str) else "l"
        return self._properties.setdefault((f"{subject}.{operand.name}", what), f"{letter}{len(self._properties)}")


def _letter(value: Scalar) -> str:
    return "b" if isinstance(value, bool) else "n" if isinstance(value, int) else "t"


def _text(value: Scalar) -> Scalar:
    """Text gets a prefix, so that it can't be read as a number; characters that engine and JSON may disagree on become a hash."""
    if not isinstance(value, str):
        return value
    if _UNPRINTABLE.search(value) or len(value) > MAX_TEXT_CHARS:
        return f"h:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return f"t:{value}"


def _fit(value: Scalar) -> str | int | None:
    """Numbers as whole ones that a double holds exactly; others are no values here."""
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_WHOLE:
        return None
    return value


def _compared(comparison: str, name: str, value: object) -> dict[str, Any]:
    return {name: value} if comparison == "eq" else {f"${comparison}": {name: value}}


_host: Any = None


def _library() -> Any:
    """The module ``durable.engine``; imported late, because it is an extension that not every machine can load."""
    try:
        return importlib.import_module("durable.engine")
    except ImportError as error:
        raise EngineUnavailable(
            f"durable-rules does not import ({error}); it needs x86_64 Linux, Python 3.11 or 3.12, and was compiled for exactly this one"
        ) from error


def _register(definition: Mapping[str, Any]) -> Any:
    """A durable Ruleset of the definition, in the process's one Host."""
    global _host  # one a process is what the library needs; there is no other place that outlives the policies
    library = _library()
    if _host is None:

        class Host(library.Host):  # type: ignore[misc, name-defined]
            def _run(self) -> None:
                """No dispatch threads: the agenda is read on the thread that asserted."""

        _host = Host()
    name = f"policy{len(_host._ruleset_list)}"
    _host.set_rulesets({name: dict(definition)})
    return _host.get_ruleset(name)
