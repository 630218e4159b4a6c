"""moto's server in this process, on a free port of 127.0.0.1: a DynamoDB with streams, without an AWS account.

For every attribute of every item that it answers, moto tries each of the ten types of an AttributeValue under several spellings: more
than half of a play's time. Its items hold attributes in DynamoDB's JSON already, so the serializers registered here pass them on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOCALHOST = "127.0.0.1"
PLAIN = frozenset(("S", "N", "BOOL"))
"""Types whose value in moto's items is the value in DynamoDB's JSON."""


@contextmanager
def moto_server() -> Iterator[str]:
    """The base URL of a server that ends with the block. moto's backends are this process's: one server at a time."""
    from moto.core import serialize
    from moto.server import ThreadedMotoServer

    # Its web server would write a line for every call.
    chatty = logging.getLogger("werkzeug")
    level = chatty.level
    chatty.setLevel(logging.WARNING)
    serializers = {service: {"json": _passing_on(serialize.JSONSerializer)} for service in ("dynamodb", "dynamodbstreams")}
    server = ThreadedMotoServer(ip_address=LOCALHOST, port=0, verbose=False)
    serialize.SERVICE_SPECIFIC_SERIALIZERS.update(serializers)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        for service in serializers:
            del serialize.SERVICE_SPECIFIC_SERIALIZERS[service]
        chatty.setLevel(level)


def _passing_on(serializer: Any) -> Any:
    """moto's serializer, but for attribute values."""

    def structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and isinstance(value, dict) and len(value) == 1 and PLAIN.issuperset(value):
            serialized[key] = value
        else:
            serializer._serialize_type_structure(self, serialized, value, shape, key)

    return type("AttributesPassedOn", (serializer,), {"_serialize_type_structure": structure})
