"""AWS Signature Version 4, against what AWS published and against botocore's signer."""

from __future__ import annotations

import calendar
import time

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from ostiary.stores.signature import Credentials, Scope, environment_credentials, sign, signing_key
from ostiary.vocabulary.errors import StoreError

EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = float(calendar.timegm((2015, 8, 30, 12, 36, 0)))
SERVICE = Scope("us-east-1", "service")


def signature(headers: dict[str, str]) -> str:
    return headers["authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("method", "query", "expected"),
    [
        ("GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "Param1=value1&Param2=value2", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case"],
)
def test_the_published_test_suite_is_reproduced(method: str, query: str, expected: str) -> None:
    headers = sign(method, "/", query, {"host": "example.amazonaws.com"}, b"", scope=SERVICE, credentials=EXAMPLE, at=AT)
    assert signature(headers) == expected


def test_the_documented_example_request_is_reproduced() -> None:
    headers = {"host": "iam.amazonaws.com", "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    query = "Action=ListUsers&Version=2010-05-08"
    signed = sign("GET", "/", query, headers, b"", scope=Scope("us-east-1", "iam"), credentials=EXAMPLE, at=AT)
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_the_documented_signing_key_is_reproduced() -> None:
    key = signing_key(EXAMPLE.secret_key, "20150830", Scope("us-east-1", "iam"))
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


@given(
    body=st.binary(max_size=200),
    target=st.from_regex(r"\A[A-Za-z0-9_.]{1,30}\Z"),
    token=st.from_regex(r"\A[A-Za-z0-9+/=]{0,60}\Z"),
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    at=st.floats(min_value=0, max_value=4e9),
)
def test_it_agrees_with_botocore(body: bytes, target: str, token: str, region: str, at: float) -> None:
    headers = {"host": f"dynamodb.{region}.amazonaws.com", "content-type": "application/x-amz-json-1.0", "x-amz-target": target}
    credentials = Credentials("AKIDEXAMPLE", "secret", token)
    ours = sign("POST", "/", "", headers, body, scope=Scope(region, "dynamodb"), credentials=credentials, at=at)
    request = AWSRequest("POST", f"https://dynamodb.{region}.amazonaws.com/", data=body, headers=headers)
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    signer = SigV4Auth(BotoCredentials("AKIDEXAMPLE", "secret", token or None), "dynamodb", region)
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert signature(ours) == signer.signature(text, request)


def test_credentials_come_from_lambdas_environment() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    assert environment_credentials(environ) == Credentials("AKID", "secret", "token")


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY is not set"):
        environment_credentials({"AWS_ACCESS_KEY_ID": "AKID"})


@pytest.mark.parametrize("text", ["", "a\r\nx-evil: 1", "ключ"])
def test_a_credential_can_not_add_a_header(text: str) -> None:
    with pytest.raises(StoreError, match="access key"):
        Credentials(text, "secret")


def test_credentials_do_not_show_their_secrets() -> None:
    assert "hush" not in repr(Credentials("AKID", "hush-secret", "hush-token"))
