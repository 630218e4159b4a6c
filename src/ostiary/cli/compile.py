"""``ostiary compile``: folders of rules → one artefact, which the functions load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.check import PathsArgument, examined
from ostiary.cli.output import Format, FormatOption, chosen, emit_json
from ostiary.cli.rules import sound


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("compile")(compile_rules)


def compile_rules(
    paths: PathsArgument,
    target: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the artefact goes.")],
    output: FormatOption = None,
) -> None:
    """Compile rules into an artefact; exit 1 and write nothing when there are mistakes."""
    from ostiary.ruleset.artefact import dump
    from ostiary.vocabulary.errors import StoreError

    compiled = sound(examined(paths), output, "nothing was written")
    assert compiled.ruleset is not None, "rules without mistakes make a Ruleset"
    data = dump(compiled.ruleset)
    # Whoever reads the target while it is replaced gets the old one or the new one, whole.
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        os.replace(partial, target)
    except OSError as error:
        raise StoreError(f"the artefact cannot be written to {target}: {error.strerror}") from None
    digest = compiled.ruleset.digest
    if chosen(output) is Format.JSON:
        emit_json({"artefact": str(target), "bytes": len(data), "digest": digest, "rules": len(compiled.ruleset.rules)})
    else:
        typer.echo(f"{target}: {len(compiled.ruleset.rules)} rules, {len(data)} bytes, digest {digest}")
