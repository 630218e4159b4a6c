"""How much of one request is read. Each limit has its unit in its name, and a test at the limit and one past it.

AWS's own quotas are mostly lower ("Amazon API Gateway quotas": 10,240 bytes of headers; "Lambda quotas": 6 MB for a synchronous
payload); other gateways, and a local server, have none.
"""

from __future__ import annotations

from ostiary.vocabulary.errors import EventError

MAX_BODY_BYTES = 6 * 1024 * 1024
"""Of a body, after its content codings are undone."""
MAX_PATH_BYTES = 8192
"""Of the path as it was sent."""
MAX_HEADERS = 200
"""Header field lines."""
MAX_HEADER_BYTES = 65_536
"""Of one header field value."""
MAX_QUERY_PARAMETERS = 1000
"""Key and value pairs."""
MAX_FORWARDED_HOPS = 32
"""Entries of X-Forwarded-For that are looked at, from the right."""
MAX_ACCOUNT_BYTES = 2048
"""Of an account's id: a DynamoDB partition key's limit (the id is percent-encoded later, so stores check again)."""
MAX_ID_CHARACTERS = 256
"""Of the gateway's request id."""
MAX_JSON_DEPTH = 64
"""Objects and lists within each other; past it no ``body.*`` leaves are made."""
MAX_JSON_KEYS = 10_000
"""Keys of all objects of a body; past it no ``body.*`` leaves are made."""
MAX_BODY_LEAVES = 1000
"""``body.*`` values of one request, in order of appearance."""
MAX_LEAF_NAME_CHARACTERS = 256
"""Of the name of a ``body.*`` field."""
MAX_CONTENT_CODINGS = 2
"""Content codings one upon the other."""
MAX_ANSWER_BYTES = 6 * 1024 * 1024
"""Of an upstream's answer."""


class RequestRefused(EventError):
    """The client sent what is past a named limit, or malformed beyond evaluation.

    Unlike its parent this is the client's doing, so failing open would let the client choose not to be judged: while the gate
    enforces, such a request is refused whatever ``OSTIARY_ON_ERROR`` says. Its text names the limit, never what was sent.
    """


def past(name: str, found: int, most: int) -> RequestRefused:
    """The refusal that names a limit.

    >>> str(past("MAX_HEADERS", 201, 200))
    'MAX_HEADERS: the request has 201, at most 200 are read'
    """
    return RequestRefused(f"{name}: the request has {found}, at most {most} are read")
