"""Reading back what some version of Ostiary kept as JSON: during a deploy, two versions read each other's items."""

from __future__ import annotations

import json
from typing import TypeVar

from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.plain import from_plain, to_plain

T = TypeVar("T")


def dumps(value: object) -> str:
    """A dataclass as compact JSON, ready to keep."""
    return json.dumps(to_plain(value), separators=(",", ":"))


def loads(kind: type[T], text: object, what: str) -> T:
    """The inverse of ``dumps``. Keys that a newer version added are left out; what is missing or has another type is a ``StoreError``.

    ``what`` names the item in the message.
    """
    try:
        return from_plain(kind, json.loads(str(text)), newer=True)
    except ValueError as error:
        raise StoreError(f"{what} was kept by a version of Ostiary that this one can't read: {error}") from error
