"""``ostiary mode``: the kill switch."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from ostiary.cli.output import Format, FormatOption, chosen, console, emit_json
from ostiary.vocabulary.rule import Mode

MODES: tuple[Mode, ...] = get_args(Mode)


def register(app: typer.Typer) -> None:
    app.command("mode")(mode)


def mode(
    wanted: Annotated[str, typer.Argument(metavar="[monitor|enforce]", help="What to set; without it, the mode is shown.")] = "",
    format: FormatOption = None,
) -> None:
    """Show the mode, or set it for the whole gate: requests see it within 5 seconds.

    In monitor mode nothing is refused; verdicts say what would have been. Enforcing needs OSTIARY_APPEAL.
    """
    from ostiary.cli.deployed import deployed
    from ostiary.vocabulary.errors import SettingsError

    if wanted and wanted not in MODES:
        raise typer.BadParameter(f"{wanted!r} is no mode; it is monitor or enforce")
    stores = deployed()
    if wanted == "enforce" and not stores.settings.appeal:
        raise SettingsError("OSTIARY_APPEAL is empty: before enforcing, say where account holders can appeal (a URL or mail address)")
    if wanted == "enforce" or wanted == "monitor":
        stores.state.set_mode(wanted)
    now = wanted or stores.state.control(None, stores.settings.mode).mode
    if chosen(format) is Format.JSON:
        emit_json({"mode": now})
    else:
        console().print(now, markup=False)
