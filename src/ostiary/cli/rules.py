"""Rules for the commands that run a gate: compiled from YAML, their mistakes printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from ostiary.vocabulary.rule import Ruleset


def compiled(paths: Sequence[Path]) -> Ruleset:
    """The Ruleset of these files and folders; mistakes go to stderr, and the command ends with exit code 1."""
    from ostiary.language.compile import compile_paths

    result = compile_paths(paths)
    if result.ruleset is None:
        for mistake in result.mistakes:
            typer.echo(mistake.render(), err=True)
        typer.echo(f"ostiary: {len(result.mistakes)} mistakes in the rules; nothing was run", err=True)
        raise typer.Exit(1)
    return result.ruleset


def default_rules() -> Path:
    """``rules`` in the working directory, else the starter pack that came with this installation."""
    from ostiary.local.handlers import shipped

    here = Path("rules")
    return here if here.is_dir() else shipped("rules")
