"""One build and one deployment for all tests here; everything that was started is ended with them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import free_port, running, serving
from stack import WORK, Gate, build, deploy, environment


@pytest.fixture(scope="session")
def built() -> Path:
    return build()


@pytest.fixture(scope="session")
def gate(built: Path) -> Iterator[Gate]:
    port = free_port()
    # MiniStack's functions run on its own Python and see its packages: test_artefacts imports each built function without them.
    variables = environment(
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        MINISTACK_HOST="127.0.0.1",
        S3_DATA_DIR=str(WORK / "s3"),
        STATE_DIR=str(WORK / "state"),
    )
    command = [str(Path(sys.executable).parent / "ministack")]
    with serving() as upstream, running(command, environment=variables, log=WORK / "ministack.log", port=port):
        deploy(port, upstream)
        yield Gate(port, upstream)
