"""Random Sigma rules as YAML text, and events that have to do with them. Everything is drawn from one ``random.Random``.

The whole detection grammar: every modifier and combination that Sigma has, escapes and wildcards, all kinds of values, lists, maps,
lists of maps, keywords, and conditions. Many documents are wrong; that both sides say so is part of what is compared.
"""

from __future__ import annotations

import base64
from random import Random
from typing import Any

FIELDS = ("a", "b", "c", "d.e", "fïeld")
SELECTIONS = ("sel", "sel_a", "sel_b", "other", "_hidden", "x-y")
PIECES = (
    *("a", "b", "ab", "A", "B", "c", "word", "Word", "1", "5", "200", " ", "-", "/", "."),
    *("é", "É", "ß", "ẞ", "σ", "ς", "Σ", "я", "Я", "İ", "ı", "\u212a", "\U0001f600", "思", "e\u0301", "\u200b"),
    *("[", "]", "{", "}", "(", "^", "$", "+", "|", "%", "&", "#", ": ", "'", '"', "\n", "\t", "%41", "--a", " -a", " /a"),
)
WILD_PIECES = ("*", "?", "\\", "\\*", "\\?", "\\\\", "\\\\*", "\\\\\\*", "**", "*?")
ASCII_PIECES = ("a", "b", "ab", "-a", " /b", "word", " ", "5", "A")
NUMBERS = (0, 1, 5, 5.0, 200, -1, 0.5, 2026, 10**12)
ATOMS = (
    "a",
    "b",
    "ab",
    ".",
    ".*",
    "a+",
    "b?",
    "[ab]",
    "[^a]",
    "(a|b)",
    "1{1,2}",
    "\\.",
    "\\*",
    "\\d",
    "\\w",
    "\\b",
    "\\s",
    "я",
    "思",
    " ",
    "(?:ab)*",
    "$",
)
NETWORKS = (
    *("192.0.2.0/24", "192.0.2.17", "0.0.0.0/0", "2001:db8::/32", "198.51.100.0/31", "::/0") * 4,
    "192.0.2.1/24",
    "10.0.0.0/33",
    "x",
)
ADDRESSES = ("192.0.2.17", "198.51.100.1", "2001:db8::5", "::1", "192.0.2.999", "10.0.0.1")
TIMES = ("2026-03-01T01:30:00Z", "2026-12-31T23:59:59+00:00", "2026-03-01T01:30:00+02:00", "2027-01-01T00:00:00Z", "1769600720")
PARTS = {
    "minute": (0, 30, 59),
    "hour": (0, 1, 8, 23),
    "day": (1, 28, 31),
    "week": (1, 9, 53),
    "month": (1, 2, 12),
    "year": (2026, 2027, 1970),
}


def text(random: Random, *, wild: bool = True, most: int = 4) -> str:
    """A string as a rule writes it, wildcards and escapes among it."""
    pieces = PIECES + WILD_PIECES * 3 if wild else PIECES
    return "".join(random.choice(pieces) for _ in range(random.randint(0, most)))


def expression(random: Random) -> str:
    """A regular expression of atoms that mean the same in RE2 and in Python."""
    start = random.choice(("", "", "^"))
    return start + "".join(random.choice(ATOMS) for _ in range(random.randint(1, 3)))


def value(random: Random) -> Any:
    """A value of any kind."""
    kind = random.random()
    if kind < 0.75:
        return text(random)
    if kind < 0.9:
        return random.choice(NUMBERS)
    return random.choice((True, False, None))


def item(random: Random) -> tuple[str, Any]:
    """A field with modifiers, and its value or values."""
    field = random.choice(FIELDS)
    words, draw = random.choice(_SHAPES)(random)
    regular = bool(words) and words[0] in ("re", "cidr", "exists")
    values: Any = [draw(random) for _ in range(1 if words == ["exists"] else random.choice((1, 1, 1, 2, 3)))]
    if len(values) > 1 and random.random() < 0.3:
        words = [*words, "all"] if regular else _inserted(words, "all", random)
    if random.random() < 0.12 and words != ["exists"]:
        words = [*words, "neq"] if regular else _inserted(words, "neq", random)
    if len(values) == 1 and random.random() < 0.8:
        values = values[0]
    elif random.random() < 0.02:
        values = []
    return "|".join((field, *words)), values


def _inserted(words: list[str], word: str, random: Random) -> list[str]:
    place = random.randint(0, len(words))
    return [*words[:place], word, *words[place:]]


def _plain(random: Random) -> tuple[list[str], Any]:
    return [], value


def _strings(random: Random) -> tuple[list[str], Any]:
    words = random.sample(("contains", "startswith", "endswith"), random.choice((1, 1, 1, 1, 1, 2)))
    if random.random() < 0.2:
        words = _inserted(words, "cased", random)
    return words, text if random.random() < 0.9 else value


def _cased(random: Random) -> tuple[list[str], Any]:
    return ["cased"], text


def _windash(random: Random) -> tuple[list[str], Any]:
    words = ["windash", *random.choice(([], ["contains"], ["startswith"], ["contains", "cased"]))]
    return words, lambda random: "".join(random.choice((*ASCII_PIECES, *ASCII_PIECES, "*", "?")) for _ in range(random.randint(1, 4)))


def _encoded(random: Random) -> tuple[list[str], Any]:
    wide = random.choice(([], [], ["wide"], ["utf16be"], ["utf16"], ["windash"]))
    words = [*wide, random.choice(("base64", "base64offset", "base64offset")), *random.choice((["contains"], ["contains"], []))]
    if random.random() < 0.1:
        words = wide or words
    return words, lambda random: "".join(
        random.choice((*ASCII_PIECES * 4, "é" if not wide else "b", "*")) for _ in range(random.randint(1, 5))
    )


def _regex(random: Random) -> tuple[list[str], Any]:
    flags = random.sample(("i", "m", "s", "ignorecase"), random.choice((0, 0, 1, 1, 2)))
    return ["re", *flags, *random.choice(([], [], [], ["contains"]))], expression


def _compared(random: Random) -> tuple[list[str], Any]:
    return [random.choice(("lt", "lte", "gt", "gte"))], lambda random: random.choice((*NUMBERS * 5, "5", "x"))


def _dated(random: Random) -> tuple[list[str], Any]:
    part = random.choice(tuple(PARTS))
    return [part, *random.choice(([], [], ["gte"], ["lt"], ["gt"], ["lte"]))], lambda random: random.choice(PARTS[part])


def _network(random: Random) -> tuple[list[str], Any]:
    return ["cidr"], lambda random: random.choice(NETWORKS)


def _exists(random: Random) -> tuple[list[str], Any]:
    return ["exists"], lambda random: random.choice((True, False))


def _reference(random: Random) -> tuple[list[str], Any]:
    words = ["fieldref", *random.choice(([], [], ["contains"], ["startswith"], ["endswith"]))]
    return words, lambda random: random.choice((*FIELDS, "nowhere"))


def _any(random: Random) -> tuple[list[str], Any]:
    """Words that may have nothing to do with each other. Expressions are texts: a number breaks pySigma's own code."""
    known = (
        "contains",
        "startswith",
        "endswith",
        "cased",
        "re",
        "i",
        "windash",
        "base64",
        "wide",
        "gt",
        "exists",
        "cidr",
        "fieldref",
        "week",
    )
    words = random.sample((*known, "nonsense", "Contains"), random.randint(1, 3))
    return words, text if "re" in words else value


_SHAPES = (
    *(_plain, _plain, _plain, _strings, _strings, _strings, _cased, _windash, _encoded, _encoded),
    *(_plain, _plain, _plain, _strings, _strings, _cased, _windash, _encoded),
    *(_regex, _regex, _compared, _dated, _network, _exists, _reference, _regex, _compared, _dated, _network, _reference, _any),
)


def items(random: Random) -> dict[str, Any]:
    """A map of items."""
    return dict(item(random) for _ in range(random.choice((1, 1, 1, 2, 3))))


def selection(random: Random) -> Any:
    """A map, a list of maps, or keywords."""
    kind = random.random()
    if kind < 0.65:
        return items(random)
    if kind < 0.8:
        return [items(random) for _ in range(random.randint(1, 3))]
    words: list[Any] = [text(random) or "word" if random.random() < 0.9 else random.choice(NUMBERS) for _ in range(random.randint(1, 3))]
    if kind < 0.9:
        return words
    if kind < 0.94:
        return words[0]
    return {random.choice(("|all", "|all", "|contains", "|cased")): words if len(words) > 1 else words * 2}


def condition(random: Random, names: list[str], depth: int = 0) -> str:
    """A condition over some selections, with every word and shape that conditions have."""
    kind = random.random()
    if depth > 3 or kind < 0.35:
        return random.choice(names)
    if kind < 0.5:
        pattern = random.choice(("them", "sel_*", "sel*", "*", "_*", "*_b", "s*l", *names, *names, *names, "sel*", "nothing*"))
        return f"{random.choice(('1', 'all', 'any'))} of {pattern}"
    if kind < 0.65:
        return f"not {condition(random, names, depth + 1)}"
    if kind < 0.75:
        return f"({condition(random, names, depth + 1)})"
    return f"{condition(random, names, depth + 1)} {random.choice(('and', 'or'))} {condition(random, names, depth + 1)}"


def detection(random: Random) -> dict[str, Any]:
    """Selections and a condition over them."""
    names = random.sample(SELECTIONS, random.choice((1, 1, 2, 3)))
    found = {name: selection(random) for name in names}
    conditions = [condition(random, names) for _ in range(random.choice((1, 1, 1, 1, 2)))]
    found["condition"] = conditions if len(conditions) > 1 else conditions[0]
    return found


def _block(mapping: dict[str, Any], random: Random, depth: int) -> list[str]:
    """A mapping in block style, now and then with flow style within."""
    lines = []
    indent = "  " * depth
    for key, node in mapping.items():
        name = _scalar(key, random)
        if isinstance(node, dict) and (depth == 0 or random.random() < 0.7):
            lines += [f"{indent}{name}:", *_block(node, random, depth + 1)]
        elif isinstance(node, list) and node and random.random() < 0.7:
            lines.append(f"{indent}{name}:")
            for member in node:
                if isinstance(member, dict):
                    first, *rest = _block(member, random, depth + 2)
                    lines += [f"{indent}  - {first.lstrip(' ')}", *rest]
                else:
                    lines.append(f"{indent}  - {_flow(member, random)}")
        else:
            lines.append(f"{indent}{name}: {_flow(node, random)}")
    return lines


def _flow(node: Any, random: Random) -> str:
    if isinstance(node, dict):
        return "{" + ", ".join(f"{_scalar(key, random)}: {_flow(member, random)}" for key, member in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(_flow(member, random) for member in node) + "]"
    return _scalar(node, random)


def _scalar(node: Any, random: Random) -> str:
    """A scalar in one of the styles that can write it."""
    if node is None:
        return "null"
    if isinstance(node, bool):
        return "true" if node else "false"
    if not isinstance(node, str):
        return repr(node)
    plain = node.isidentifier() and node.isascii() and node.lower() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
    if plain and random.random() < 0.7:
        return node
    if node.isprintable() and random.random() < 0.7:
        return "'" + node.replace("'", "''") + "'"
    return '"' + "".join(_escaped(letter) for letter in node) + '"'


def _escaped(letter: str) -> str:
    if letter in '\\"':
        return "\\" + letter
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"


def event(random: Random, near: list[str]) -> dict[str, Any]:
    """Fields with values of every kind; ``near``: texts that a rule looks for."""
    return {field: _values(random, near) for field in FIELDS if random.random() < 0.7}


def _values(random: Random, near: list[str]) -> Any:
    if random.random() < 0.15:
        return tuple(_value(random, near) for _ in range(random.randint(0, 3)))
    return _value(random, near)


def _value(random: Random, near: list[str]) -> Any:
    kind = random.random()
    if kind < 0.5 and near:
        found = _as_seen(random.choice(near), random)
        return _disturbed(found, random)
    if kind < 0.7:
        return text(random, wild=False)
    if kind < 0.8:
        return random.choice((*NUMBERS, float("inf"), float("nan")))
    return random.choice(("", None, True, False, *ADDRESSES, *TIMES, 1769600720, "5", "5.0", "true", "null", "-"))


def _as_seen(written: str, random: Random) -> str:
    """What a rule's text could match: wildcards filled in, backslashes that escape left out, sometimes encoded."""
    found = written
    for wild, fillings in (("*", ("", "a", "word")), ("?", ("a", "思", ""))):
        while wild in found and random.random() < 0.9:
            found = found.replace(wild, random.choice(fillings), 1)
    if random.random() < 0.3:
        found = found.replace("\\", "", 1)
    kind = random.random()
    if kind < 0.12:
        return base64.b64encode((random.choice(("", "x", "xy")) + found + random.choice(("", "z"))).encode("utf-8", "replace")).decode()
    if kind < 0.2:
        return base64.b64encode(found.encode(random.choice(("utf-16-le", "utf-16-be", "utf-16")), "replace")).decode()
    return found


def _disturbed(found: str, random: Random) -> str:
    kind = random.random()
    if kind < 0.2:
        return random.choice(PIECES) + found
    if kind < 0.4:
        return found + random.choice(PIECES)
    if kind < 0.5:
        return found.swapcase()
    return found.replace("-", random.choice("-/\u2013")) if kind < 0.6 else found


def wanted_texts(node: Any) -> list[str]:
    """Every text of a detection's values."""
    if isinstance(node, dict):
        return [found for key, member in node.items() if key != "condition" for found in wanted_texts(member)]
    if isinstance(node, list):
        return [found for member in node for found in wanted_texts(member)]
    return [] if node is None else [str(node)]


def case(random: Random, events: int = 12) -> tuple[str, list[dict[str, Any]]]:
    """A rule's text, and some events."""
    found = detection(random)
    rule = {"title": "T", "logsource": {"category": "webserver"}, "detection": found}
    near = wanted_texts(found)
    return "\n".join(_block(rule, random, 0)) + "\n", [event(random, near) for _ in range(events)]
