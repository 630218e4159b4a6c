"""What every command prints with: text and tables for people, JSON for programs.

Colour appears on terminals only, and ``NO_COLOR`` (no-color.org) turns it off; rich sees to both.
"""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from ostiary.vocabulary.plain import to_plain


class Format(StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format | None, typer.Option("--format", help="text or json; without it, text on a terminal and json in a pipe.")]
"""The type of every command's ``--format``; resolve it with ``chosen``."""


def chosen(wanted: Format | None) -> Format:
    """The wanted format; without one, text when stdout is a terminal, else JSON."""
    if wanted is not None:
        return wanted
    return Format.TEXT if sys.stdout.isatty() else Format.JSON


def console() -> Console:
    """A console on stdout. Made anew for each call, so that it writes where stdout points to now."""
    return Console(highlight=False, soft_wrap=True)


def errors() -> Console:
    """A console on stderr: progress and complaints, which no pipe of results may hold."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def emit_json(value: object) -> None:
    """One line of compact JSON on stdout; dataclasses become mappings."""
    sys.stdout.write(json.dumps(to_plain(value), ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()
