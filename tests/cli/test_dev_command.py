import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from ostiary.cli import app
from ostiary.local.motoserver import moto_server

DEADLINE = 60
"""Seconds after which the test gives up."""


@pytest.mark.parametrize(("format", "end"), [("json", signal.SIGTERM), ("text", signal.SIGINT)])
def test_dev_listens_prints_each_verdict_and_ends_cleanly_on_ctrl_c_and_on_sigterm(format, end):
    command = [sys.executable, "-m", "ostiary.cli", "dev", "--port", "0", "--format", format]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline()
            url = json.loads(first)["listening"] if format == "json" else first.split()[2].strip(",")
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE)
            connection.request("GET", "/v1/models", headers={"x-ostiary-dev-account": "acct-1"})
            assert connection.getresponse().status == 200
            connection.close()
            told = process.stdout.readline()
            if format == "json":
                verdict = json.loads(told)
                assert (verdict["account"], verdict["outcome"], verdict["path"]) == ("acct-1", "allowed", "/v1/models")
            else:
                assert "acct-1 allowed GET /v1/models" in told
            process.send_signal(end)
            _, complaints = process.communicate(timeout=DEADLINE)
            assert (process.returncode, complaints) == (0, "")
        finally:
            process.kill()


def test_a_gateway_that_is_none_is_a_usage_error():
    found = subprocess.run([sys.executable, "-m", "ostiary.cli", "dev", "--gateway", "nginx"], capture_output=True, text=True)
    assert found.returncode == 2 and "rest-authorizer" in found.stderr


@contextmanager
def dev(*words):
    """``ostiary dev`` in another process, without variables of ours, and its first lines; SIGTERM ends it, which must be clean."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OSTIARY_", "AWS_"))}
    command = [sys.executable, "-m", "ostiary.cli", "dev", "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            _, process.complaints = process.communicate(timeout=DEADLINE)
            assert process.returncode == 0
        finally:
            process.kill()


@pytest.fixture
def administer(monkeypatch):
    """Runs a command as another terminal would: with the environment that dev printed, and no other variables of ours."""
    for name in list(os.environ):
        if name.startswith(("OSTIARY_", "AWS_")):
            monkeypatch.delenv(name)

    def run(environment, *words, **options):
        result = CliRunner().invoke(app, [*words, "--format", "json"], env=environment, **options)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def request(url, **headers):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE)
    connection.request("GET", "/v1/models", headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert connection.getresponse().status == 200
    connection.close()


def test_a_gate_on_moto_is_looked_after_from_another_terminal(administer):
    with dev("--store", "moto", "--format", "json") as process:
        first = json.loads(process.stdout.readline())
        environment = first["environment"]
        assert administer(environment, "mode") == {"mode": "enforce"} == {"mode": first["mode"]}
        administer(environment, "account", "key", "anna", input="sk-example\n")
        request(first["listening"], x_api_key="sk-example")
        verdict = json.loads(process.stdout.readline())
        assert (verdict["account"], verdict["mode"]) == ("anna", "enforce")
        assert administer(environment, "verdict", "show", verdict["id"])["account"] == "anna"
        assert administer(environment, "account", "show", "anna")["requests"] == 1
        assert administer(environment, "case", "list") == []
    assert process.complaints == ""


def test_an_endpoints_tables_and_their_mode_outlive_dev(administer):
    with moto_server() as endpoint:
        with dev("--store", endpoint, "--mode", "monitor", "--format", "text") as process:
            assert "in monitor mode" in process.stdout.readline()
            process.stdout.readline()
            words = shlex.split(process.stdout.readline())
            assert words[0] == "export"
            environment = dict(word.split("=", 1) for word in words[1:])
            assert administer(environment, "mode", "enforce") == {"mode": "enforce"}
        assert administer(environment, "mode") == {"mode": "enforce"}
        with dev("--store", endpoint, "--mode", "monitor", "--format", "json") as process:
            assert json.loads(process.stdout.readline())["mode"] == "enforce"
        assert "--mode monitor does nothing; `ostiary mode monitor` changes it" in process.complaints
