"""One Sigma document → what it says, by itself: names of other documents are resolved later (``linking``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from ostiary.language.detection import read_detection
from ostiary.language.entry import Detection
from ostiary.language.lists import ValueLists
from ostiary.language.mistake import did_you_mean, nearest
from ostiary.language.models import CorrelationDocument, Metadata, Ours
from ostiary.language.nodes import Mapping, Mark, Node, Scalar, Sequence
from ostiary.language.reading import describe, place, plain, salvage
from ostiary.language.rule_test import RuleTest, read_tests, suggest_field
from ostiary.language.scalars import value_of
from ostiary.language.source import Source
from ostiary.vocabulary.fields import known
from ostiary.vocabulary.plan import Constant, Plan, is_fact
from ostiary.vocabulary.rule import Category, CorrelationType

OUR_CATEGORIES: tuple[Category, ...] = ("request", "account_window", "group_window")
WEB_CATEGORIES = frozenset({"webserver", "proxy", "application"})
"""Categories of Sigma whose rules may be about requests like ours."""

SIGMA_KEYS = frozenset(
    [
        "title",
        "id",
        "name",
        "taxonomy",
        "status",
        "description",
        "license",
        "author",
        "references",
        "date",
        "modified",
        "logsource",
        "detection",
        "falsepositives",
        "level",
        "tags",
        "fields",
        "related",
        "scope",
        "correlation",
        "generate",
    ]
)
_METADATA = frozenset(Metadata.model_fields)
RULE_KEYS = SIGMA_KEYS | {"ostiary", "tests"}
_LIMIT_INSTEAD = {"limit.max": 1, "limit.timespan": "1m", "limit.group-by": ["account.id"]}
_CORRELATION_INSTEAD = {"type": "event_count", "group-by": ["account.id"], "timespan": "1m"}
"""What stands in for a wrong value, so that the rest can be looked at: nothing is said of it a second time."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a folder is compiled."""

    foreign_fields: bool = False
    """Any field name is allowed, and every rule applies to every event (``ostiary match``)."""
    now: float = 0.0
    """Epoch seconds, for what expires."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule that loads never applies to requests."""

    kind: Literal["logsource", "field", "keywords", "list", "rule"]
    names: tuple[str, ...]
    """Log source, fields that no request has, lists that the pack lacks, or the rule that a correlation refers to."""


@dataclass(slots=True)
class RuleDocument:
    """A rule or correlation as written. ``plan`` is None when it has mistakes; what ``ours`` and ``correlation`` lack is ``wrong``."""

    source: Source
    node: Mapping
    id: str
    title: str
    metadata: Metadata | None
    ours: Ours
    is_ours: bool
    category: Category = "request"
    why: Reason | None = None
    """Why its category is ``foreign``."""
    decided: str = "request path"
    """Or ``record``; empty when mistakes leave it open."""
    because: str = ""
    """Why ``record`` decides it."""
    plan: Plan | None = None
    correlation: CorrelationDocument | None = None
    is_correlation: bool = False
    tests: list[RuleTest] = field(default_factory=list)
    whole_tests: bool = True
    """Every one of its tests can be read."""
    wrong: frozenset[str] = frozenset()
    """Paths, such as ``ostiary.limit.max``, whose values have mistakes and are not what the author wrote."""
    unfiltered: bool = False
    """A filter that is about it has mistakes, and is not in its plan."""
    refused: bool = False
    """It has a mistake, of its own or with others."""

    @property
    def is_sigma_s(self) -> bool:
        """Not about our own log source: unknown fields only mean that it does not apply."""
        return logsource_of(self.node).get("product") != "ostiary"

    @property
    def generate(self) -> bool | None:
        """What a correlation says of the rules that it names."""
        node = self.node.get("generate")
        inner = self.correlation.generate if self.correlation else None
        found = value_of(node) if isinstance(node, Scalar) else None
        return found if inner is None and isinstance(found, bool) else inner

    def never(self, kind: Literal["logsource", "field", "keywords", "list", "rule"], *names: str) -> None:
        """The rule loads, and never applies."""
        self.category, self.why = "foreign", Reason(kind, names)
        if kind == "list":
            # What it would mean without its list is not what its author meant.
            self.plan = Constant(False)

    def mark(self, *path: str) -> Mark:
        """The place of the value under a path of keys; of the last that exists."""
        return place(self.node, path)

    def refuse(self, path: tuple[str | int, ...], kind: str, message: str, hint: str = "") -> None:
        """Records a mistake at the value under a path."""
        self.source.refuse(place(self.node, path), kind, message, hint)


def read_rule(node: Mapping, source: Source, lists: ValueLists, options: Options) -> RuleDocument:
    """A Sigma rule or correlation. Mistakes go to the source; what is returned keeps its names, so that others can refer to it."""
    before = len(source.mistakes)
    check_keys(node, source, RULE_KEYS)
    metadata = read_metadata(node, source)
    ours_node = node.get("ostiary")
    ours, wrong = salvage(Ours, ours_node, source, "ostiary", _LIMIT_INSTEAD) if ours_node is not None else (Ours(), None)
    title = metadata.title if metadata else _text(node, "title")
    rule = RuleDocument(
        source=source,
        node=node,
        id=(metadata.id if metadata else _text(node, "id")) or title,
        title=title,
        metadata=metadata,
        ours=ours or Ours(),
        is_ours=logsource_of(node).get("product") == "ostiary" or _asks_for_more(ours_node),
        wrong=wrong or frozenset(),
    )
    _check_case(node, source)
    _check_generate(node, source)
    correlation = node.get("correlation")
    if correlation is not None:
        rule.is_correlation = True
        body = node.get("detection")
        if body is not None:
            source.refuse(correlation.mark, "two-kinds", "a document has `detection` or `correlation`, not both", "split it by `---`")
            read_detection(body, Detection(source, lists, rule.is_ours))
        rule.correlation = _correlation(rule, source)
    else:
        _detection(rule, lists, options)
    tests = node.get("tests")
    if tests is not None:
        windows = None if rule.is_correlation else rule.category in ("account_window", "group_window")
        checked = rule.category == "request" and not options.foreign_fields
        rule.tests = read_tests(tests, source, rule.id, windows=windows, check_fields=checked)
        rule.whole_tests = isinstance(tests, Sequence) and len(rule.tests) == len(tests.items)
    rule.refused = len(source.mistakes) > before
    return rule


def read_metadata(node: Mapping, source: Source) -> Metadata | None:
    """What Sigma says of a document beside its detection; None when it has mistakes, which go to the source."""
    return describe(Metadata, Mapping(tuple(entry for entry in node if entry[0].value in _METADATA), node.mark), source)


def _text(node: Mapping, key: str) -> str:
    value = node.get(key)
    return value.value if isinstance(value, Scalar) else ""


def logsource_of(node: Mapping) -> dict[str, str]:
    """Category, product and service of a document, in lower case."""
    logsource = node.get("logsource")
    if not isinstance(logsource, Mapping):
        return {}
    return {key.value: value.value.lower() for key, value in logsource if isinstance(value, Scalar)}


def _asks_for_more(node: Node | None) -> bool:
    """Whether ``ostiary:`` says more than ``mode: monitor``, which is what an imported rule gets."""
    return node is not None and plain(node) != {"mode": "monitor"}


def _check_case(node: Mapping, source: Source) -> None:
    for key in ("level", "status"):
        value = node.get(key)
        if isinstance(value, Scalar) and value.value != value.value.lower():
            source.warn(value.mark, "letter-case", f"Sigma writes `{key}: {value.value.lower()}` in lower case; it is read so")


def _check_generate(node: Mapping, source: Source) -> None:
    given, correlation = node.key("generate"), node.get("correlation")
    value = node.get("generate")
    if given is None or value is None:
        return
    if correlation is None:
        source.refuse(given.mark, "generate", "`generate` is a correlation's, about the rules that it names", "remove it")
    elif not (isinstance(value, Scalar) and isinstance(value_of(value), bool)):
        source.refuse(value.mark, "generate", "`generate` must be true or false")
    elif isinstance(correlation, Mapping) and correlation.get("generate") is not None:
        source.refuse(given.mark, "generate", "`generate` is there twice: here and under `correlation`", "remove one")


def check_keys(node: Mapping, source: Source, words: frozenset[str]) -> None:
    """What is near a key of Sigma's is a mistake; anything else that is none, a warning."""
    for key, _ in node:
        if key.value in words:
            continue
        near = nearest(key.value, words, cutoff=0.8)
        if near and node.get(near) is None:
            source.refuse(key.mark, "unknown-key", f"unknown key `{key.value}`", f"did you mean `{near}`?")
        else:
            source.warn(key.mark, "unknown-key", f"key `{key.value}` is not Sigma's; it is ignored")


def _detection(rule: RuleDocument, lists: ValueLists, options: Options) -> None:
    source, node = rule.source, rule.node
    detection = Detection(source, lists, rule.is_ours)
    body = node.get("detection")
    if body is not None:
        read_detection(body, detection)
    rule.plan = detection.plan
    logsource = node.get("logsource")
    if not isinstance(logsource, Mapping) or not any(logsource.get(key) for key in ("category", "product", "service")):
        at = logsource.mark if logsource is not None else node.mark
        hint = "write `logsource: {product: ostiary, category: request}`"
        source.refuse(at, "logsource", "`logsource` must name a category, product or service", hint)
    else:
        rule.category = _category(rule, detection, options)
    if detection.missing:
        rule.never("list", *dict.fromkeys(detection.missing))


def _category(rule: RuleDocument, detection: Detection, options: Options) -> Category:
    if options.foreign_fields:
        return "request"
    logsource = logsource_of(rule.node)
    if not rule.is_sigma_s:
        return _our_category(rule, detection, logsource.get("category"))
    category = logsource.get("category")
    strange = [name for name in detection.fields if known(name) is None]
    if category not in WEB_CATEGORIES:
        rule.never("logsource", "/".join(logsource[key] for key in ("product", "category", "service") if logsource.get(key)))
    elif strange:
        rule.never("field", *strange)
    elif category == "application" and not detection.fields:
        # An application's keywords are phrases of its log, not of requests.
        rule.never("keywords", logsource.get("product", "application"))
    else:
        _check_references(rule, detection)
    return rule.category


def _our_category(rule: RuleDocument, detection: Detection, name: str | None) -> Category:
    category = next((ours for ours in OUR_CATEGORIES if ours == name), None)
    if category is None:
        known_here = ", ".join(f"`{ours}`" for ours in OUR_CATEGORIES)
        hint = did_you_mean(name or "", OUR_CATEGORIES) or f"product ostiary has {known_here}"
        what = f"product ostiary has no category `{name}`" if name else "product ostiary needs a category"
        rule.source.refuse(rule.mark("logsource", "category"), "logsource", what, hint)
        return "request"
    if category == "request":
        for name, mark in detection.fields.items():
            if known(name) is None:
                rule.source.refuse(mark, "unknown-field", f"no request has a field `{name}`", suggest_field(name))
        _check_references(rule, detection)
    return category


def _check_references(rule: RuleDocument, detection: Detection) -> None:
    """A fact is known only after the request's other fields are gone: they can't be compared with it."""
    for name, other, mark in detection.references:
        if is_fact(name) != is_fact(other):
            message = f"`{name}` and `{other}` are never known together: one is a fact about the account, one is of the request"
            rule.source.refuse(mark, "fieldref-fact", message, "compare each with a value")


def _correlation(rule: RuleDocument, source: Source) -> CorrelationDocument | None:
    node = rule.node.get("correlation")
    if not isinstance(node, Mapping):
        source.refuse(rule.mark("correlation"), "bad-value", "`correlation` must be a map")
        return None
    logsource = rule.node.key("logsource")
    if logsource is not None:
        source.warn(logsource.mark, "correlation-logsource", "a correlation has no `logsource`: its rules have theirs")
    kind = _text(node, "type")
    if node.get("type") is not None and kind.lower() not in get_args(CorrelationType):
        message = f"there is no correlation type `{kind}`"
        source.refuse(rule.mark("correlation", "type"), "correlation-type", message, did_you_mean(kind, get_args(CorrelationType)))
    told = ("type",) if node.get("type") is not None else ()
    found, wrong = salvage(CorrelationDocument, node, source, "correlation", _CORRELATION_INSTEAD, told)
    rule.wrong |= wrong or frozenset()
    return found
