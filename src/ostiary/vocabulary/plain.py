"""Frozen data ↔ plain JSON values, for what is stored and shown. Not for the request path's own record, which is compact."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """A dataclass, tuple or mapping as dicts and lists, ready for ``json.dumps``; None and defaults are kept."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def from_plain(kind: type[T], data: object, *, newer: bool = False) -> T:
    """The inverse of ``to_plain``. Refuses unknown and missing keys with a ``ValueError`` that names them.

    ``newer``: leave out keys that are unknown here, since a newer version of the code may have written them.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{kind.__name__}: expected a mapping, got {type(data).__name__}")
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]
    unknown = set(data) - set(fields)
    if unknown and not newer:
        raise ValueError(f"{kind.__name__}: unknown keys {sorted(unknown)}")
    missing = [
        name
        for name, f in fields.items()
        if name not in data and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{kind.__name__}: missing keys {missing}")
    hints: dict[str, Any] = _hints(kind)  # type: ignore[arg-type]
    return kind(**{name: _value(hints[name], data[name], f"{kind.__name__}.{name}", newer) for name in fields if name in data})


def _value(hint: Any, data: object, where: str, newer: bool) -> Any:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is Literal:
        if data not in arguments:
            raise ValueError(f"{where}: {data!r} is none of {arguments}")
        return data
    if origin in (typing.Union, types.UnionType):
        return _union(arguments, data, where, newer)
    if origin is tuple:
        if not isinstance(data, (list, tuple)):
            raise ValueError(f"{where}: expected a list, got {type(data).__name__}")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_value(arguments[0], item, where, newer) for item in data)
        return tuple(_value(kind, item, where, newer) for kind, item in zip(arguments, data, strict=True))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise ValueError(f"{where}: expected a mapping, got {type(data).__name__}")
        return {key: _value(arguments[1], item, where, newer) for key, item in data.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, data, newer=newer)
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if hint is Any or isinstance(data, hint):
        return data
    raise ValueError(f"{where}: expected {hint.__name__}, got {type(data).__name__}")


def _union(arguments: tuple[Any, ...], data: object, where: str, newer: bool) -> Any:
    if data is None and type(None) in arguments:
        return None
    problem = ValueError(f"{where}: no alternative")
    for kind in arguments:
        if kind is type(None):
            continue
        try:
            return _value(kind, data, where, newer)
        except ValueError as error:
            problem = error
    raise problem
