"""``docs/cli.md``: the ``--help`` of every command. ``python -m ostiary.cli.reference`` prints it; a test holds the page to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import typer.main
from typer.testing import CliRunner

from ostiary.cli import HELP_COLUMNS, app

HEADER = """# The command line

Every command takes `--help`. What an author or the world did wrong ends in one line on stderr and exit code 2; mistakes in
rules, and tests that fail, in exit code 1. `--format json` is the default in a pipe, text on a terminal; colour appears on
terminals only, and `NO_COLOR` turns it off.

This page is written by `python -m ostiary.cli.reference > docs/cli.md`.
"""


def reference() -> str:
    """The page, as Markdown."""
    pages = (f"\n## `{' '.join(('ostiary', *words))}`\n\n```text\n{_help(words)}\n```\n" for words in commands())
    return HEADER + "".join(pages)


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command, groups before their members; first the empty ones, of ``ostiary`` itself."""
    yield from _walk(typer.main.get_command(app), ())


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    for name, member in getattr(command, "commands", {}).items():
        yield from _walk(member, (*words, name))


def _help(words: tuple[str, ...]) -> str:
    # A fixed width and no colour, whatever terminal the page is written on.
    environment = {"COLUMNS": str(HELP_COLUMNS), "TERM": "dumb", "NO_COLOR": "1"}
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="ostiary", env={**os.environ, **environment})
    assert result.exit_code == 0, f"{' '.join(words)} --help ended with {result.exit_code}"
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


if __name__ == "__main__":
    sys.stdout.write(reference())
