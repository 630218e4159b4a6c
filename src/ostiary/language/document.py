"""One Sigma document → what it says, by itself: names of other documents are resolved later (``linking``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ostiary.language.detection import Detection, read_detection
from ostiary.language.lists import ValueLists
from ostiary.language.mistake import did_you_mean, nearest
from ostiary.language.models import CorrelationDocument, Metadata, Ours
from ostiary.language.nodes import Mapping, Mark, Scalar
from ostiary.language.reading import describe, place
from ostiary.language.rule_test import RuleTest, read_tests, suggest_field
from ostiary.language.source import Source
from ostiary.vocabulary.fields import known
from ostiary.vocabulary.plan import Plan
from ostiary.vocabulary.rule import Category

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
RULE_KEYS = SIGMA_KEYS | {"ostiary", "tests"}


@dataclass(frozen=True, slots=True)
class Options:
    """How a folder is compiled."""

    foreign_fields: bool = False
    """Any field name is allowed, and every rule applies to every event (``ostiary match``)."""
    now: float = 0.0
    """Epoch seconds, for what expires."""


@dataclass(slots=True)
class RuleDocument:
    """A rule or correlation as written. ``plan`` or ``correlation`` is None when it has mistakes of its own."""

    source: Source
    node: Mapping
    id: str
    title: str
    metadata: Metadata | None
    ours: Ours
    is_ours: bool
    category: Category = "request"
    plan: Plan | None = None
    correlation: CorrelationDocument | None = None
    is_correlation: bool = False
    tests: list[RuleTest] = field(default_factory=list)
    refused: bool = False
    """It has a mistake, of its own or with others."""

    def mark(self, *path: str) -> Mark:
        """The place of the value under a path of keys; of the last that exists."""
        return place(self.node, path)

    def refuse(self, path: tuple[str | int, ...], kind: str, message: str, hint: str = "") -> None:
        """Records a mistake at the value under a path."""
        self.source.refuse(place(self.node, path), kind, message, hint)


def read_rule(node: Mapping, source: Source, lists: ValueLists, options: Options) -> RuleDocument:
    """A Sigma rule or correlation. Mistakes go to the source; what is returned keeps its names, so that others can refer to it."""
    before = len(source.mistakes)
    _check_keys(node, source)
    metadata = describe(Metadata, node, source)
    ours_node = node.get("ostiary")
    ours = describe(Ours, ours_node, source, "ostiary") if ours_node is not None else Ours()
    title = metadata.title if metadata else _text(node, "title")
    rule = RuleDocument(
        source=source,
        node=node,
        id=(metadata.id if metadata else _text(node, "id")) or title,
        title=title,
        metadata=metadata,
        ours=ours or Ours(),
        is_ours=ours_node is not None or _logsource(node).get("product") == "ostiary",
    )
    correlation = node.get("correlation")
    if correlation is not None:
        rule.is_correlation = True
        if node.get("detection") is not None:
            source.refuse(correlation.mark, "two-kinds", "a document has `detection` or `correlation`, not both", "split it by `---`")
        rule.correlation = _correlation(rule, source)
    else:
        _detection(rule, lists, options)
    tests = node.get("tests")
    if tests is not None:
        windows = rule.category in ("account_window", "group_window")
        checked = rule.category == "request" and not options.foreign_fields
        rule.tests = read_tests(tests, source, rule.id, windows=windows, check_fields=checked)
    rule.refused = len(source.mistakes) > before
    return rule


def _text(node: Mapping, key: str) -> str:
    value = node.get(key)
    return value.value if isinstance(value, Scalar) else ""


def _logsource(node: Mapping) -> dict[str, str]:
    logsource = node.get("logsource")
    if not isinstance(logsource, Mapping):
        return {}
    return {key.value: value.value.lower() for key, value in logsource if isinstance(value, Scalar)}


def _check_keys(node: Mapping, source: Source) -> None:
    for key, _ in node:
        if key.value in RULE_KEYS:
            continue
        near = nearest(key.value, RULE_KEYS, cutoff=0.8)
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
    logsource = node.get("logsource")
    if not isinstance(logsource, Mapping) or not any(logsource.get(key) for key in ("category", "product", "service")):
        at = logsource.mark if logsource is not None else node.mark
        hint = "write `logsource: {product: ostiary, category: request}`"
        source.refuse(at, "logsource", "`logsource` must name a category, product or service", hint)
    else:
        rule.category = _category(rule, detection, options)
    rule.plan = detection.plan


def _category(rule: RuleDocument, detection: Detection, options: Options) -> Category:
    if options.foreign_fields:
        return "request"
    logsource = _logsource(rule.node)
    if logsource.get("product") == "ostiary":
        return _our_category(rule, detection, logsource.get("category"))
    about_requests = all(known(name) for name in detection.fields)
    category = logsource.get("category")
    # An application's keywords are phrases of its log, not of requests.
    if category == "application" and not detection.fields:
        about_requests = False
    return "request" if category in WEB_CATEGORIES and about_requests else "foreign"


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
    return category


def _correlation(rule: RuleDocument, source: Source) -> CorrelationDocument | None:
    node = rule.node.get("correlation")
    if not isinstance(node, Mapping):
        source.refuse(rule.mark("correlation"), "bad-value", "`correlation` must be a map")
        return None
    kind = _text(node, "type").lower()
    if node.get("type") is not None and kind != "event_count":
        words = ("event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median")
        if kind in words:
            source.refuse(
                rule.mark("correlation", "type"),
                "correlation-not-yet",
                f"correlations of type `{kind}` are not evaluated yet",
                "use `event_count`",
            )
        else:
            hint = did_you_mean(kind, words)
            source.refuse(rule.mark("correlation", "type"), "correlation-type", f"there is no correlation type `{kind}`", hint)
        return None
    return describe(CorrelationDocument, node, source, "correlation")
