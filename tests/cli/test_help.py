import importlib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import ostiary
from ostiary.cli import COMMANDS, _Commands, app
from ostiary.cli.reference import commands, reference
from ostiary.vocabulary.errors import StoreError

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_every_command_module_is_listed_and_registers_something():
    folder = Path(ostiary.__file__).parent / "cli"
    modules = {path.stem for path in folder.glob("*.py") if "def register(" in path.read_text(encoding="utf-8")}
    assert modules == set(COMMANDS)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_says_what_it_does(words):
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    said = [line.strip() for line in result.output.splitlines() if line.strip()]
    assert len(said) > 2 and not said[1].startswith(("Options:", "Arguments:")), f"{words} has no description"


def test_the_page_of_the_command_line_is_what_help_says():
    assert PAGE.read_text(encoding="utf-8") == reference(), "docs/cli.md is stale: python -m ostiary.cli.reference > docs/cli.md"


def test_the_version_is_the_packages():
    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"ostiary {ostiary.__version__}"


def test_without_a_command_the_help_is_shown():
    assert "Commands:" in CliRunner().invoke(app, []).output


def test_what_the_world_did_wrong_is_one_line_on_stderr_and_exit_code_2():
    broken = typer.Typer(cls=_Commands)
    broken.callback()(lambda: None)

    @broken.command()
    def fail() -> None:
        raise StoreError("the table is gone")

    result = CliRunner().invoke(broken, ["fail"])
    assert (result.exit_code, result.stderr, result.stdout) == (2, "ostiary: the table is gone\n", "")


def test_the_help_imports_nothing_heavy():
    import subprocess
    import sys

    program = (
        "import sys, ostiary.cli; print(sorted({'boto3', 'botocore', 'moto', 'pydantic', 'uvicorn', 'yaml', 'durable'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_module_registers_through_register(command):
    assert callable(importlib.import_module(f"ostiary.cli.{command}").register)
