"""The command line: one module a command, each a thin shell over one library call.

A module is named in ``COMMANDS`` and has ``register(app)``; it imports what it needs inside its functions, so that
``ostiary --help`` stays quick. What an author or the world did wrong ends in one line on stderr and exit code 2.
"""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import ostiary
from ostiary.vocabulary.errors import OstiaryError

COMMANDS = (
    "check", "compile", "import_rules", "test_rules", "match", "explain", "play", "dev",
    "demo", "account", "verdict", "case", "mode",
)  # fmt: skip
"""Modules of this package, in the order of ``--help``."""
HELP_COLUMNS = 100
"""Width of ``--help``, everywhere the same, so that ``docs/cli.md`` can show it."""


class _Commands(TyperGroup):
    """Turns our errors into one line and exit code 2, for every command."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except OstiaryError as error:
            typer.echo(f"ostiary: {error}", err=True)
            raise typer.Exit(2) from None


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ostiary {ostiary.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")] = False,
) -> None:
    """The doorkeeper of API gateways: YAML rules judge each request, limits and terms of service are enforced."""


def _application() -> typer.Typer:
    application = typer.Typer(
        name="ostiary",
        cls=_Commands,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "terminal_width": HELP_COLUMNS, "max_content_width": HELP_COLUMNS},
    )
    application.callback()(_root)
    for command in COMMANDS:
        importlib.import_module(f"{__name__}.{command}").register(application)
    return application


app = _application()


def main() -> None:
    """Entry point of the ``ostiary`` command."""
    app()
