"""Loads the Lambda functions' own files, so that what runs here is what is deployed."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import ostiary
from ostiary.vocabulary.errors import OstiaryError

PACKAGE = Path(ostiary.__file__).resolve().parent


def shipped(name: str) -> Path:
    """The folder ``functions`` or ``rules`` as it came with this Ostiary: of the wheel, else of the checkout.

    Raises ``OstiaryError`` when neither is there.
    """
    for folder in (PACKAGE / "_shipped" / name, PACKAGE.parents[1] / name):
        if folder.is_dir():
            return folder
    raise OstiaryError(f"the folder {name!r} did not come with this installation; install the wheel, or work in a checkout")


@cache
def load(name: str) -> ModuleType:
    """The module ``functions/<name>/app.py``, under a name of its own (``ostiary_function_<name>``), loaded once a process.

    Raises ``OstiaryError`` for a function that does not exist.
    """
    path = shipped("functions") / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"ostiary_function_{name}", path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise OstiaryError(f"there is no function {name!r}: {path} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda hands a handler beside the event (AWS Lambda, "context object in Python"), as far as handlers read it."""

    function_name: str
    aws_request_id: str = "local"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    log_group_name: str = "/local"
    log_stream_name: str = "local"

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000
