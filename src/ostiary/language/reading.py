"""Nodes → plain values, and through pydantic models into frozen documents, with each error at the place of its key or value."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as NameMap
from itertools import takewhile
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ostiary.language.mistake import did_you_mean
from ostiary.language.nodes import Mapping, Mark, Node, Scalar, Sequence
from ostiary.language.scalars import value_of
from ostiary.language.source import Source

M = TypeVar("M", bound=BaseModel)


def plain(node: Node) -> Any:
    """A node as dicts, lists and scalars."""
    match node:
        case Scalar():
            return value_of(node)
        case Sequence(items):
            return [plain(item) for item in items]
        case Mapping(entries):
            return {key.value: plain(value) for key, value in entries}


def scalar_text(node: Node) -> str:
    """A scalar's text as written; of anything else, nothing."""
    return node.value if isinstance(node, Scalar) else ""


def describe(model: type[M], node: Node, source: Source, prefix: str = "") -> M | None:
    """The document that a model describes; None when it has mistakes, which go to the source with their places."""
    found, wrong = salvage(model, node, source, prefix)
    return found if wrong is None else None


def salvage(
    model: type[M], node: Node, source: Source, prefix: str = "", instead: NameMap[str, Any] | None = None, told: Collection[str] = ()
) -> tuple[M | None, frozenset[str] | None]:
    """The document that a model describes, and of one with mistakes what is left, so that other stages can look at it too.

    Mistakes go to the source with their places, those at the paths in ``told`` excepted. What is wrong takes its value from
    ``instead`` (dotted path → value), or is left out. The second of the pair says at which paths (below ``prefix``) that was so;
    None: there was no mistake. A list with a wrong item is wrong as a whole.
    """
    data = plain(node)
    try:
        return model.model_validate(data), None
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    wrong: set[str] = set()
    for details in mistakes:
        steps = list(takewhile(lambda step: isinstance(step, str), details["loc"]))
        path = ".".join(map(str, steps))
        if path not in told:
            _refuse(model, node, source, details, prefix)
        _mend(data, steps, (instead or {}).get(path))
        if details["type"] != "extra_forbidden":
            wrong.add(f"{prefix}.{path}")
    try:
        return model.model_validate(data), frozenset(wrong)
    except ValidationError:
        return None, frozenset(wrong)


def _mend(data: Any, steps: list[str | int], value: Any) -> None:
    for step in steps[:-1]:
        data = data.get(step) if isinstance(data, dict) else None
    if isinstance(data, dict) and steps:
        data.pop(steps[-1], None)
        if value is not None:
            data[steps[-1]] = value


def place(node: Node, path: tuple[str | int, ...], *, of_key: bool = False) -> Mark:
    """The mark of the value (or key) that a path of keys and indexes leads to; of the last that exists."""
    mark = node.mark
    for step in path:
        if isinstance(node, Mapping):
            key, child = node.key(str(step)), node.get(str(step))
            if key is None or child is None:
                break
            mark = key.mark if of_key else child.mark
            node = child
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
        else:
            break
    return mark


def _refuse(model: type[BaseModel], node: Node, source: Source, details: ErrorDetails, prefix: str) -> None:
    path = details["loc"]
    name = str(path[-1]) if path else ""
    kind = details["type"]
    where = (prefix + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)).removeprefix(".")
    if kind == "extra_forbidden":
        keys = _keys_at(model, path[:-1])
        hint = did_you_mean(name, keys) or f"known here: {', '.join(f'`{key}`' for key in keys)}"
        source.refuse(place(node, path, of_key=True), "unknown-key", f"unknown key `{where}`", hint)
    elif kind == "missing":
        source.refuse(place(node, path[:-1], of_key=True), "missing-key", f"`{where}` is missing")
    else:
        source.refuse(place(node, path), "bad-value", f"`{where}` {_complaint(details)}", _hint(details))


def _complaint(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    given = details["input"]
    match details["type"]:
        case "literal_error":
            return f"is {_shown(given)}; it must be one of {_listed(context['expected'])}"
        case "string_type":
            return f"must be text, not {_shown(given)}"
        case "string_too_short" | "too_short":
            return "is empty"
        case "int_type" | "int_from_float":
            return f"must be a whole number, not {_shown(given)}"
        case "bool_type":
            return f"must be true or false, not {_shown(given)}"
        case "list_type":
            return f"must be a list, not {_shown(given)}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a map, not {_shown(given)}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}, not {_shown(given)}"
        case "less_than_equal":
            return f"must be at most {context['le']}, not {_shown(given)}"
        case "string_too_long":
            return f"is longer than {context['max_length']} characters"
        case "value_error":
            return str(context["error"])
        case _:
            return f"is wrong: {details['msg']}"


def _hint(details: ErrorDetails) -> str:
    if details["type"] == "literal_error" and isinstance(details["input"], str):
        words = [word.strip(" '") for word in details["ctx"]["expected"].replace(" or ", ",").split(",")]
        return did_you_mean(details["input"].lower(), words, cutoff=0.6)
    return ""


def _listed(expected: str) -> str:
    return expected.replace("'", "`").replace(" or ", ", ")


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a map"
        case list():
            return "a list"
        case str():
            return f"`{value if len(value) <= 40 else value[:39] + '…'}`"
        case _:
            return f"`{value}`"


def _keys_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that the model at a path knows."""
    for step in path:
        known = {info.alias or name: info for name, info in model.model_fields.items()}
        info = known.get(str(step))
        if info is None:
            continue
        model = next((part for part in _parts(info.annotation) if issubclass(part, BaseModel)), model)
    return [info.alias or name for name, info in model.model_fields.items()]


def _parts(annotation: Any) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [part for argument in getattr(annotation, "__args__", ()) for part in _parts(argument)]
