"""``ostiary import``: a pack of the published rules that apply to requests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.check import never_by, refused, show_never
from ostiary.cli.output import Format, FormatOption, chosen, emit_json


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("import")(import_folder)


def import_folder(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Sigma rules, such as a checkout of a rule repository.")],
    pack: Annotated[Path, typer.Option("-o", "--output", metavar="PACK", help="The folder to write: new, or empty.")],
    source: Annotated[str | None, typer.Option("--source", help="What each file's first line names; FOLDER's name without it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty, over files of the same name.")] = False,
    output: FormatOption = None,
) -> None:
    """Make a pack of the rules that apply to requests, in monitor mode, with their authors' words unchanged."""
    from ostiary.language.importing import import_rules
    from ostiary.vocabulary.errors import StoreError

    if not folder.is_dir():
        typer.echo(f"ostiary: {folder} is no folder", err=True)
        raise typer.Exit(2)
    if pack.exists() and not force and (not pack.is_dir() or any(pack.iterdir())):
        typer.echo(f"ostiary: {pack} is not empty; use --force to write into it all the same", err=True)
        raise typer.Exit(2)
    imported = import_rules(folder, source or folder.resolve().name)
    try:
        for where, text in imported.files.items():
            (pack / where).parent.mkdir(parents=True, exist_ok=True)
            (pack / where).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"the pack cannot be written to {pack}: {error.strerror}") from None
    summary = imported.compiled.summary
    if chosen(output) is Format.JSON:
        emit_json(
            {
                "pack": str(pack),
                "parsed": summary.parsed,
                "loaded": summary.loaded,
                "applies": summary.applies,
                "imported": len(imported.rules),
                "files": [where.as_posix() for where in imported.files],
                "left": imported.left,
                "refused_rules": summary.refused,
                "refused": refused(imported.compiled),
                "never_by": never_by(imported.compiled),
            }
        )
        return
    typer.echo(f"{summary.parsed} documents parsed, {summary.loaded} rules load, {summary.applies} apply, {summary.refused} refused")
    for kind, count in refused(imported.compiled).items():
        typer.echo(f"  refused, {kind}: {count}")
    show_never(imported.compiled)
    for rule, why in imported.left.items():
        typer.echo(f"  left out, {rule}: {why}")
    typer.echo(f"{pack}: {len(imported.rules)} rules in {len(imported.files)} files, in monitor mode")
