"""Leaves of a plan in words: as an author writes them, and where an author wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ostiary.language.mistake import Position
from ostiary.language.nodes import Mapping, Node, Scalar
from ostiary.language.nodes import Sequence as SequenceNode
from ostiary.language.source import Source
from ostiary.language.strings import tokens
from ostiary.language.tree import parse
from ostiary.matching.leaves import leaf_fields
from ostiary.matching.truth import leaves_of
from ostiary.vocabulary.plan import (
    Compare,
    DatePart,
    Equals,
    Exists,
    Glob,
    Keyword,
    Leaf,
    Member,
    Network,
    Null,
    Pattern,
    Regex,
    SameAs,
    Wild,
)
from ostiary.vocabulary.rule import Rule

MAX_SHOWN_CHARACTERS = 60
MAX_SHOWN_VALUES = 3


def written(leaf: Leaf) -> str:
    """A leaf as an author could have written it.

    >>> written(Glob("url.path", (Wild.ANY, "..", Wild.ANY)))
    'url.path|contains: ..'
    >>> written(Equals("account.plan", ("free", "batch")))
    'account.plan: [free, batch]'
    >>> written(Member("gen_ai.tools", Equals("gen_ai.tools.name", ("search",))))
    'gen_ai.tools[]: {name: search}'
    """
    key, values = _parts(leaf)
    return f"{key}: {shown(values)}" if key else f"keyword {shown(values)}"


def shown(values: Sequence[str]) -> str:
    """Values as a list that stays short."""
    cut = [cut_text(value) for value in values[:MAX_SHOWN_VALUES]]
    if len(values) == 1:
        return cut[0]
    more = f", … {len(values) - MAX_SHOWN_VALUES} more" if len(values) > MAX_SHOWN_VALUES else ""
    return f"[{', '.join(cut)}{more}]"


def cut_text(text: str) -> str:
    """A text that fits a line."""
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def _parts(leaf: Leaf) -> tuple[str, tuple[str, ...]]:
    """The key (field and modifiers; empty for a keyword) and the values."""
    match leaf:
        case Keyword():
            return "", (_text(leaf.pattern),)
        case Equals():
            return leaf.field + _flags(leaf), tuple(value or "''" for value in leaf.values)
        case Glob():
            word, inner = _wrapped(leaf.pattern)
            return leaf.field + word + _flags(leaf), (_text(inner),)
        case Regex():
            return leaf.field + "|re" + "".join(f"|{flag}" for flag in leaf.flags), (leaf.pattern,)
        case Compare():
            return f"{leaf.field}|{leaf.operator}", (str(leaf.number),)
        case DatePart():
            word = "" if leaf.operator == "eq" else f"|{leaf.operator}"
            return f"{leaf.field}|{leaf.part}{word}", (str(leaf.number),)
        case Network():
            return f"{leaf.field}|cidr", leaf.networks
        case Null():
            return leaf.field, ("null",)
        case Exists():
            return f"{leaf.field}|exists", ("true" if leaf.present else "false",)
        case SameAs():
            return f"{leaf.field}|fieldref" + ("" if leaf.how == "equals" else f"|{leaf.how}"), (leaf.other,)
        case Member():
            parts = (written(part).removeprefix(f"{leaf.collection}.") for part in leaves_of(leaf.plan))
            return f"{leaf.collection}[]", (f"{{{', '.join(parts)}}}",)


def _flags(leaf: Equals | Glob) -> str:
    return ("|cased" if leaf.cased else "") + ("|leet" if leaf.leet else "")


def _wrapped(pattern: Pattern) -> tuple[str, Pattern]:
    """The modifier that put wildcards around a pattern, and what is within."""
    before = len(pattern) > 1 and pattern[0] is Wild.ANY
    after = len(pattern) > 1 and pattern[-1] is Wild.ANY
    if before and after:
        return "|contains", pattern[1:-1]
    return ("|endswith", pattern[1:]) if before else ("|startswith", pattern[:-1]) if after else ("", pattern)


def _text(pattern: Pattern) -> str:
    return "".join(token.value if isinstance(token, Wild) else token for token in pattern)


@dataclass(frozen=True, slots=True)
class Written:
    """What an author wrote for a leaf, and where."""

    text: str
    position: Position | None


class Pages:
    """Finds leaves in the files of rules; each file is read once."""

    def __init__(self) -> None:
        self._documents: dict[str, list[Mapping]] = {}

    def find(self, rule: Rule, path: str | None, leaves: Sequence[Leaf]) -> Written:
        """The item that some leaves of a rule come from; without a file, or where none fits, the leaves in our own words."""
        ours = self._in_our_words(leaves)
        if path is None:
            return Written(ours, None)
        candidates = [(key, value) for key, value in self._items(rule, path) if _about(key, leaves[0])]
        if not candidates:
            return Written(ours, None)
        key, value = max(candidates, key=lambda item: _fit(item[0], item[1], leaves))
        nodes = _values(value)
        texts = tuple(dict.fromkeys(map(_value_text, nodes)))
        wanted = [text for leaf in leaves for text in _parts(leaf)[1]]
        if len(texts) <= len(wanted) and not (len(wanted) == 1 and isinstance(leaves[0], Network)):
            mark = value.mark if not key.value else key.mark
            return Written(f"{key.value or 'keyword'}: {shown(texts)}", Position(path, mark.line, mark.column))
        mark = next((node.mark for node in nodes if _means(node) & set(wanted)), value.mark)
        return Written(ours, Position(path, mark.line, mark.column))

    def _in_our_words(self, leaves: Sequence[Leaf]) -> str:
        if len(leaves) == 1:
            return written(leaves[0])
        parts = [_parts(leaf) for leaf in leaves]
        keys = list(dict.fromkeys(key for key, _ in parts))
        return f"{keys[0] or 'keywords'}: {shown([value for _, values in parts for value in values])}"

    def _items(self, rule: Rule, path: str) -> Iterator[tuple[Scalar, Node]]:
        if path not in self._documents:
            self._documents[path] = _documents(path)
        for document in self._documents[path]:
            names = {node.value for key in ("id", "name", "title") if isinstance(node := document.get(key), Scalar)}
            detection = document.get("detection")
            if rule.id in names and isinstance(detection, Mapping):
                for key, value in detection:
                    if key.value != "condition":
                        yield from _flat(key, value)
                return


def _documents(path: str) -> list[Mapping]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    return [node for node in parse(Source(path, text.splitlines()), text) if isinstance(node, Mapping)]


def _flat(name: Scalar, node: Node) -> Iterator[tuple[Scalar, Node]]:
    """Every item below a selection; a keyword has an empty key."""
    if isinstance(node, Mapping):
        for key, value in node:
            yield from _flat(name, value) if isinstance(value, Mapping) else ((key, value),)
    elif isinstance(node, SequenceNode):
        plain = tuple(item for item in node.items if isinstance(item, Scalar))
        if plain:
            yield Scalar("", node.mark), SequenceNode(plain, node.mark)
        for item in node.items:
            if not isinstance(item, Scalar):
                yield from _flat(name, item)
    else:
        yield Scalar("", node.mark), node


def _about(key: Scalar, leaf: Leaf) -> bool:
    name = key.value.split("|")[0]
    if isinstance(leaf, Keyword):
        return not name
    field = leaf_fields(leaf)[0]
    # Within a block on one member stand the last parts of names alone.
    return bool(name) and (field == name or field.endswith(f".{name}"))


def _fit(key: Scalar, value: Node, leaves: Sequence[Leaf]) -> int:
    """How many values of the leaves an item holds, first; then how many of the modifiers that they must have had."""
    wanted = {text for leaf in leaves for text in _parts(leaf)[1]}
    words = set(_parts(leaves[0])[0].split("|")[1:])
    held = {text for node in _values(value) for text in _means(node)}
    return 10 * len(wanted & held) + len(words & set(key.value.split("|")[1:]))


def _means(node: Node) -> set[str]:
    """A value's text as written, and without its escapes."""
    text = _value_text(node)
    return {text, _text(tokens(text))}


def _values(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, SequenceNode) else (node,)


def _value_text(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.value if node.value or node.plain else "''"
    return "…"
