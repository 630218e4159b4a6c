import http.client
import json
import signal
import subprocess
import sys

import pytest

DEADLINE = 60
"""Seconds after which the test gives up."""


@pytest.mark.parametrize("format", ["json", "text"])
def test_dev_listens_prints_each_verdict_and_ends_cleanly_on_ctrl_c(format):
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
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=DEADLINE)
            assert (process.returncode, complaints) == (0, "")
        finally:
            process.kill()


def test_a_gateway_that_is_none_is_a_usage_error():
    found = subprocess.run([sys.executable, "-m", "ostiary.cli", "dev", "--gateway", "nginx"], capture_output=True, text=True)
    assert found.returncode == 2 and "rest-authorizer" in found.stderr
