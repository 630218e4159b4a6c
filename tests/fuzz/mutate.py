"""Mutations of rule files and of events, each drawn from one ``random.Random`` and repeatable by its seed."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[2]
MAX_DOCUMENT_CHARACTERS = 6_000
MAX_TEXT_CHARACTERS = 4_000
"""Of one value; a few of them, percent-encoded, make events of some 100 KB."""

YAML_TOKENS = (
    *(
        ":",
        ": ",
        "- ",
        "-",
        "? ",
        "| ",
        "|-\n",
        ">\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        "#",
        "&a ",
        "*a",
        "<<: *a",
        "!!python/object:os.system ",
        "!!int ",
    ),
    *(
        "!x ",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "'",
        '"',
        "\\",
        "\n",
        "\r",
        "\t",
        "  ",
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ud7ff",
        "\U0010ffff",
    ),
    *(
        "null",
        "~",
        "true",
        "no",
        "0o17",
        "0x1F",
        "1e999",
        "-.inf",
        ".nan",
        "010",
        "1_000",
        "12:30:00",
        "9" * 400,
        "2024-13-45",
        "{}",
        "[]",
        "''",
    ),
)
RULE_TOKENS = (
    *(
        "|contains",
        "|startswith",
        "|endswith",
        "|all",
        "|cased",
        "|re",
        "|i",
        "|m",
        "|s",
        "|windash",
        "|base64",
        "|base64offset",
        "|wide",
        "|utf16",
    ),
    *("|cidr", "|exists", "|expand", "|fieldref", "|neq", "|gt", "|lte", "|hour", "|week", "|leet", "|Contains", "|x", "|", "||"),
    *(
        "detection:",
        "condition:",
        "correlation:",
        "filter:",
        "ostiary:",
        "tests:",
        "logsource:",
        "title:",
        "exemption:",
        "escalation:",
        "timeframe:",
    ),
    *(
        "group-by:",
        "timespan:",
        "rules:",
        "aliases:",
        "generate:",
        "limit:",
        "limit: {max: 5, timespan: 1m, group-by: account.id}",
        "mode: enforce",
    ),
    *("1 of them", "all of sel*", "not ", " and ", " or ", "(", ")", "not not not ", "of", "them", "*", "?", "%list%", "\\*", "\\\\"),
    *(
        "(a+)+$",
        "(?=x)",
        "(.*)*",
        "a{1000}",
        "[^",
        "(?P<n>",
        "\\C",
        "\\pN",
        "(?i)",
        "10.0.0.0/8",
        "::/0",
        "gen_ai.messages[]:",
        "account.plan",
    ),
)
TEXT_PIECES = (
    *(
        "\u200b",
        "\u0301" * 40,
        "\U000e0061",
        "\u202e",
        "ﷺ" * 20,
        "я",
        "가",
        "\ud800",
        "\U0010ffff",
        "\x00",
        "\x1b[31m",
        "İ",
        "ß",
        "ｆｕｌｌ",
        " " * 300,
    ),
    *(
        "verbatim",
        "chain of thought",
        "../",
        "%2e%2e/",
        "${jndi:",
        "' or 1=1 --",
        "Bearer sk-abc",
        "1gn0re",
        "192.0.2.1",
        "::ffff:1.2.3.4",
        "1e308",
    ),
    *("2026-12-31T23:59:60Z", "0000-00-00T99:99", "9" * 400, "-0", "nan", "inf", "a" * 3000, "ab" * 2000, "é " * 2000),
)


def documents() -> list[str]:
    """The seeds of rule files: every document of the packs, thrice, and every mistake that has a golden message."""
    folders = (*[ROOT / "rules"] * 3, ROOT / "tests" / "language" / "mistakes")
    found = []
    for file in sorted(file for folder in folders for file in folder.rglob("*.y*ml")):
        text = file.read_bytes().decode("utf-8", "replace")
        found += [part for part in text.split("\n---\n") if 0 < len(part) <= MAX_DOCUMENT_CHARACTERS]
    return found


def mutated_document(seeds: list[str], random: Random) -> str:
    """One to eight mutations of a seed."""
    text = random.choice(seeds)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        text = random.choice(_DOCUMENT_MUTATIONS)(text, seeds, random)[:MAX_DOCUMENT_CHARACTERS]
    return text


def _place(text: str, random: Random) -> int:
    return random.randint(0, len(text))


def _span(text: str, random: Random, most: int = 60) -> tuple[int, int]:
    start = _place(text, random)
    return start, min(len(text), start + random.randint(0, most))


def _inserted(text: str, _: list[str], random: Random) -> str:
    place = _place(text, random)
    return text[:place] + random.choice(random.choice((YAML_TOKENS, RULE_TOKENS, RULE_TOKENS))) + text[place:]


def _removed(text: str, _: list[str], random: Random) -> str:
    start, end = _span(text, random)
    return text[:start] + text[end:]


def _replaced(text: str, _: list[str], random: Random) -> str:
    start, end = _span(text, random, 20)
    return text[:start] + random.choice((*YAML_TOKENS, *RULE_TOKENS)) + text[end:]


def _repeated(text: str, _: list[str], random: Random) -> str:
    start, end = _span(text, random)
    return text[:end] + text[start:end] * random.choice((1, 2, 5, 40)) + text[end:]


def _letter_changed(text: str, _: list[str], random: Random) -> str:
    place = _place(text, random)
    return (
        text[:place]
        + chr(random.choice((random.randint(0, 127), random.randint(0, 0xD7FF), random.randint(0xE000, 0x10FFFF))))
        + text[place + 1 :]
    )


def _line_moved(text: str, _: list[str], random: Random) -> str:
    lines = text.split("\n")
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randint(0, len(lines)), line)
    return "\n".join(lines)


def _line_indented(text: str, _: list[str], random: Random) -> str:
    lines = text.split("\n")
    place = random.randrange(len(lines))
    lines[place] = random.choice(("  ", "\t", " ", "")) + lines[place].lstrip() if random.random() < 0.5 else "  " + lines[place]
    return "\n".join(lines)


def _line_doubled(text: str, _: list[str], random: Random) -> str:
    lines = text.split("\n")
    place = random.randrange(len(lines))
    return "\n".join([*lines[:place], lines[place], *lines[place:]])


def _spliced(text: str, seeds: list[str], random: Random) -> str:
    other = random.choice(seeds)
    return text[: _place(text, random)] + other[_place(other, random) :]


def _joined(text: str, seeds: list[str], random: Random) -> str:
    return text + "\n---\n" + random.choice(seeds)


def _nested(text: str, _: list[str], random: Random) -> str:
    place = _place(text, random)
    opening = random.choice(("[", "{a: ", "- ", "(", "not ", "!x "))
    return text[:place] + opening * random.choice((5, 60, 700)) + text[place:]


_DOCUMENT_MUTATIONS = (
    *(_inserted, _inserted, _removed, _replaced, _replaced, _repeated, _letter_changed, _letter_changed),
    *(_line_moved, _line_indented, _line_doubled, _spliced, _joined, _nested),
)


def events() -> list[Any]:
    """The seeds of events: those of gateways, and field maps."""
    found: list[Any] = [json.loads(file.read_text()) for file in sorted((ROOT / "events").rglob("*.json"))]
    found.append({"gen_ai": {"prompt": {"last": "verbatim"}}, "url.path": "/v1/messages", "client.address": "192.0.2.7", "sc-status": 200})
    found.append({"account": {"plan": "free"}, "gen_ai.messages.role": ["user", None], "gen_ai.messages.text": ["x", "y", "z"], "n": 1.5})
    found.append({"c-uri": "/x?a=%2e", "cs-method": "GET", "EventTime": "2026-03-01T01:30:00+02:00", "list": [[], {}, [None]]})
    return found


def mutated_event(seeds: list[Any], fields: list[str], random: Random) -> dict[str, Any]:
    """An event whose keys and values were changed anywhere; ``fields``: names that rules read."""
    event = _tree(random.choice(seeds), fields, random, random.choice((0.02, 0.1, 0.4)))
    for _ in range(random.choice((0, 0, 1, 3, 10))):
        event[random.choice(fields)] = _value(fields, random, 0)
    return event


def _tree(node: Any, fields: list[str], random: Random, rate: float) -> Any:
    if isinstance(node, dict):
        kept = {key: _tree(member, fields, random, rate) for key, member in node.items() if random.random() > rate / 4}
        if random.random() < rate:
            kept[random.choice((*fields, "", ".", "a..b", "requestContext", "httpMethod", "body"))] = _value(fields, random, 0)
        return kept
    if isinstance(node, list):
        return [_tree(member, fields, random, rate) for member in node]
    if random.random() < rate:
        return _value(fields, random, 0)
    return _text_changed(node, random) if isinstance(node, str) and random.random() < rate else node


def _value(fields: list[str], random: Random, depth: int) -> Any:
    kind = random.random()
    if kind < 0.55:
        return "".join(random.choice(TEXT_PIECES) for _ in range(random.choice((0, 1, 2, 5))))[:MAX_TEXT_CHARACTERS]
    if kind < 0.75:
        return random.choice((0, 1, -1, 5, 200, 1e308, -0.0, float("inf"), float("nan"), 10**400, 1_769_600_720, True, False, None))
    if depth > 3:
        return None
    if kind < 0.9:
        return [_value(fields, random, depth + 1) for _ in range(random.choice((0, 1, 3, 20)))]
    return {random.choice(fields): _value(fields, random, depth + 1) for _ in range(random.randint(0, 3))}


def _text_changed(text: str, random: Random) -> str:
    place = _place(text, random)
    start, end = _span(text, random)
    return random.choice((text[:place] + random.choice(TEXT_PIECES) + text[place:], text[:start] + text[end:], text * 2))[
        :MAX_TEXT_CHARACTERS
    ]
