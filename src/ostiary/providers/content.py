"""Text out of messages and content blocks, however they are nested or broken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from ostiary.providers.ask import asked
from ostiary.vocabulary.request import Scalar, Value

MAX_CONTENT_DEPTH = 8
"""Blocks within blocks (a tool's result holds blocks of its own)."""
_TEXT_KEYS = ("text", "thinking", "refusal", "input_text", "output_text")
_TOOL_RESULTS = frozenset({"tool_result", "function_call_output", "mcp_tool_result", "web_search_tool_result", "search_result", "document"})
_TOOL_ROLES = frozenset({"tool", "function"})
_SYSTEM_ROLES = frozenset({"system", "developer"})
_USER_ROLES = frozenset({"user", "human"})
_ROLES = {"developer": "system", "human": "user", "model": "assistant", "function": "tool"}
"""What formats call the four roles of ``gen_ai.messages.role``."""


@dataclass(frozen=True, slots=True)
class Message:
    """``typed``: what the role itself wrote; ``quoted``: what tools and documents brought in."""

    role: str
    typed: tuple[str, ...]
    quoted: tuple[str, ...]


def messages_of(value: object) -> list[Message]:
    """Messages of a ``messages`` list; a string, or a string in the list, is one of the user's."""
    items = value if isinstance(value, list) else [value]
    return [message for item in items if (message := _message(item)) is not None]


def _message(item: object) -> Message | None:
    if isinstance(item, str):
        return Message("user", (item,), ())
    if not isinstance(item, dict):
        return None
    role = string(item.get("role"))
    kind = string(item.get("type"))
    content = next((item[key] for key in ("content", "parts", "output") if key in item), item)
    blocks = list(_blocks(content, quoted=role in _TOOL_ROLES or kind in _TOOL_RESULTS))
    typed = tuple(text for text, quoted in blocks if not quoted)
    if not isinstance(role, str):
        role = "assistant" if isinstance(kind, str) and (kind.endswith("_call") or kind == "reasoning") else "user"
    return Message(role, typed, tuple(text for text, quoted in blocks if quoted))


def _blocks(content: object, *, quoted: bool, depth: int = 0) -> Iterator[tuple[str, bool]]:
    if isinstance(content, str):
        yield content, quoted
    elif depth >= MAX_CONTENT_DEPTH:
        return
    elif isinstance(content, list):
        for block in content:
            yield from _blocks(block, quoted=quoted, depth=depth + 1)
    elif isinstance(content, dict):
        within = quoted or string(content.get("type")) in _TOOL_RESULTS
        for key in _TEXT_KEYS:
            text = content.get(key)
            if isinstance(text, str):
                yield text, within
        for key in ("content", "source", "output"):
            if key in content:
                yield from _blocks(content[key] if key != "source" else _plain_source(content[key]), quoted=within, depth=depth + 1)


def _plain_source(source: object) -> object:
    """The text of a plain-text document; of other sources (base64, URL) nothing."""
    if isinstance(source, dict) and string(source.get("type")) in ("text", "content"):
        return source.get("data") if isinstance(source.get("data"), str) else source.get("content")
    return None


def texts_of(content: object) -> tuple[str, ...]:
    """Every text in a string, a block or a list of them."""
    return tuple(text for text, _ in _blocks(content, quoted=False))


def joined(texts: Iterable[str]) -> str:
    """Several blocks as the model reads them, one after the other: no phrase hides by being split over them.

    Nobody knows whether a split was within a word or between two, so both readings follow each other, unless white space says it.

    >>> joined(["ver", "batim"]), joined(["one ", "two"]), joined(["one"]), joined([])
    ('verbatim\\nver batim', 'one two', 'one', '')
    """
    parts = [text for text in texts if text]
    close = "".join(parts)
    gaps = ["" if before[-1].isspace() or after[0].isspace() else " " for before, after in pairwise(parts)]
    if not any(gaps):
        return close
    return close + "\n" + "".join(part + gap for part, gap in zip(parts, [*gaps, ""], strict=True))


def prompt_fields(system: tuple[str, ...], messages: list[Message]) -> dict[str, Value]:
    """``gen_ai.prompt*``, ``gen_ai.system_instructions`` and ``gen_ai.messages.*`` of a conversation.

    ``system`` is what stands outside the messages.
    """
    instructions = [joined(system)]
    prompts = [*instructions]
    size = sum(map(len, system))
    members = [("system", instructions[0], size)] if size else []
    for message in messages:
        own, brought = joined(message.typed), joined(message.quoted)
        typed, quoted = sum(map(len, message.typed)), sum(map(len, message.quoted))
        if message.role in _SYSTEM_ROLES:
            instructions.append(own)
        prompts += [own, brought]
        size += typed + quoted
        # What tools and documents brought into a user's message is a member of its own, as in formats with a role for it.
        if typed or not quoted:
            members.append((_ROLES.get(message.role, message.role), own, typed))
        if quoted:
            members.append(("tool", brought, quoted))
    fields: dict[str, Value] = {}
    put(fields, "gen_ai.system_instructions", many(instructions))
    put(fields, "gen_ai.prompt", many(prompts))
    turn = _newest_turn(messages)
    put(fields, "gen_ai.prompt.last", joined(turn) or None)
    put(fields, "gen_ai.prompt.ask", joined(asked(turn)) or None)
    fields["gen_ai.prompt.size"] = size
    fields["gen_ai.prompt.messages.count"] = len(messages)
    put(fields, "gen_ai.messages.role", aligned(role for role, _, _ in members))
    put(fields, "gen_ai.messages.text", aligned(text or None for _, text, _ in members))
    put(fields, "gen_ai.messages.size", aligned(length for _, _, length in members))
    return fields


def tool_fields(*definitions: object) -> dict[str, Value]:
    """``gen_ai.tools.*``: name, description and type of each tool that a body defines, whichever way its format nests them."""
    tools = [tool for listed in definitions if isinstance(listed, list) for item in listed for tool in _tools(item)]
    fields: dict[str, Value] = {}
    for key in ("name", "description", "type"):
        put(fields, f"gen_ai.tools.{key}", aligned(string(tool.get(key)) for tool in tools))
    return fields


def _tools(item: object) -> Iterator[Mapping[str, object]]:
    """A tool; of ``{type: function, function: {…}}`` both levels as one; of Gemini's ``functionDeclarations`` each."""
    if not isinstance(item, dict):
        return
    for key in ("functionDeclarations", "function_declarations"):
        if isinstance(item.get(key), list):
            yield from ({"type": "function", **tool} for tool in item[key] if isinstance(tool, dict))
            return
    function = item.get("function")
    yield {**item, **function} if isinstance(function, dict) else item


def _newest_turn(messages: list[Message]) -> list[str]:
    """What the user typed in the newest turn; nothing when it holds only results of tools.

    What was typed before tools were called was judged when it came, and an agent sends it again with every result. Providers read
    consecutive user messages as one turn, so a phrase can't hide in the last but one.
    """
    turn: list[str] = []
    brought = False
    for message in reversed(messages):
        if message.role in _USER_ROLES or message.role in _TOOL_ROLES:
            turn[:0] = message.typed
            brought = brought or bool(message.quoted)
        elif (turn or brought) and message.role not in _SYSTEM_ROLES:
            break
    return turn


def many(values: Iterable[str]) -> Value:
    """No value as None, one as itself, several as a tuple."""
    found = tuple(value for value in values if value)
    return None if not found else found[0] if len(found) == 1 else found


def aligned(values: Iterable[Scalar]) -> Value:
    """One value a member, None where a member lacks it; None when all do."""
    found = tuple(values)
    if all(value is None for value in found):
        return None
    return found[0] if len(found) == 1 else found


def put(fields: dict[str, Value], name: str, value: Value) -> None:
    """Sets a field that has a value."""
    if value is not None:
        fields[name] = value


def number(value: object) -> Scalar:
    """A finite number; anything else is None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def string(value: object) -> Scalar:
    return value if isinstance(value, str) and value else None


def boolean(value: object) -> Scalar:
    return value if isinstance(value, bool) else None


def strings(value: object) -> Value:
    """A string, or the strings of a list."""
    if isinstance(value, list):
        return many(item for item in value if isinstance(item, str))
    return string(value)


def count(value: object) -> Scalar:
    """How many a list or a mapping holds; None for anything else, and for none."""
    return len(value) if isinstance(value, (list, dict)) and value else None
