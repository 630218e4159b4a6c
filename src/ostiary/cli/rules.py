"""Rules for the commands that need all of them right: compiled from YAML, their mistakes told, the command ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ostiary.cli.output import Format, chosen, emit_json

if TYPE_CHECKING:
    from ostiary.language.compile import Compiled
    from ostiary.vocabulary.rule import Ruleset


def compiled(paths: Sequence[Path], output: Format | None, *, foreign_fields: bool = False) -> Ruleset:
    """The Ruleset of these files and folders; where they have mistakes, ``sound`` ends the command.

    ``foreign_fields``: any field name is allowed, and rules of other products are rules like any.
    """
    from ostiary.language.compile import compile_paths

    result = sound(compile_paths(paths, foreign_fields=foreign_fields), output, "nothing was run")
    assert result.ruleset is not None, "rules without mistakes make a Ruleset"
    return result.ruleset


def sound(result: Compiled, output: Format | None, undone: str) -> Compiled:
    """The same, when there are no mistakes. Else they go to stderr, with ``--format json`` also to stdout as one line, and the
    command ends with exit code 1; ``undone`` says what did not happen."""
    if result.mistakes:
        for mistake in result.mistakes:
            typer.echo(mistake.render() + "\n", err=True)
        count = len(result.mistakes)
        typer.echo(f"ostiary: {count} {'mistake' if count == 1 else 'mistakes'} in the rules; {undone}", err=True)
        if chosen(output) is Format.JSON:
            emit_json({"mistakes": result.mistakes})
        raise typer.Exit(1)
    return result


def default_rules() -> Path:
    """``rules`` in the working directory, else the starter pack that came with this installation."""
    from ostiary.local.handlers import shipped

    here = Path("rules")
    return here if here.is_dir() else shipped("rules")
