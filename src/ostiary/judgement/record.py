"""The record of one request as the item keeps it: compact JSON, the same in every process."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.state import RequestRecord

RECORD_VERSION = 2
WITHOUT_FEATURES = 1
"""The version of a record without features, which an older process can still read."""


def encode(record: RequestRecord) -> str:
    """A ``RequestRecord`` as one line of ASCII JSON: a list, since its names would cost more than its values. ASCII, because a lone
    surrogate in an account's id is a text to Python and no text to DynamoDB.

    Certain Signals are a list of indexes, or a hexadecimal bitmap where that is shorter (500 matching rules: 125 digits).
    """
    certain = [index for index, leaves in record.signals if leaves is None]
    unsettled = {str(index): leaves for index, leaves in record.signals if leaves is not None}
    listed = ",".join(map(str, certain))
    bitmap = format(sum(1 << index for index in certain), "x")
    features = (record.features,) if record.features else ()
    return json.dumps(
        [
            RECORD_VERSION if features else WITHOUT_FEATURES,
            record.id,
            record.time,
            record.principal.kind,
            record.principal.id,
            record.gateway,
            record.method,
            record.path,
            certain if len(listed) <= len(bitmap) else bitmap,
            unsettled,
            record.groups,
            record.facts,
            record.mode,
            record.digest,
            record.on_error,
            record.address,
            record.credential,
            record.evaluation_us,
            *features,
        ],
        separators=(",", ":"),
    )


def decode(text: str) -> RequestRecord:
    """The inverse of ``encode``; a ``StoreError`` says what is wrong with a record that this code can't read."""
    try:
        version, *rest = json.loads(text)
        if version not in (WITHOUT_FEATURES, RECORD_VERSION):
            raise StoreError(f"request record of version {version!r}, this code reads {RECORD_VERSION}: deploy one version everywhere")
        features = rest.pop() if version == RECORD_VERSION else {}
        return _record(rest, {str(name): tuple(values) for name, values in features.items()})
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise StoreError(f"request record is damaged: {error}") from error


def _record(rest: list[object], features: Mapping[str, tuple[str | int | float | bool, ...]]) -> RequestRecord:
    id_, time, kind, principal, gateway, method, path, certain, unsettled, groups, facts, *context = rest
    mode, digest, on_error, address, credential, us = context
    indexes = _bits(certain) if isinstance(certain, str) else certain
    assert isinstance(indexes, list) and isinstance(unsettled, Mapping) and isinstance(groups, Mapping) and isinstance(facts, Mapping)
    signals: list[tuple[int, str | None]] = [(int(index), None) for index in indexes]
    signals += [(int(index), str(leaves)) for index, leaves in unsettled.items()]
    known: dict[str, Scalar] = dict(facts)
    return RequestRecord(
        id=str(id_),
        time=float(time),  # type: ignore[arg-type]
        principal=Principal(kind, str(principal)),  # type: ignore[arg-type]
        gateway=str(gateway),
        method=str(method),
        path=str(path),
        signals=tuple(sorted(signals, key=lambda signal: signal[0])),
        groups={str(counter): tuple(found) for counter, found in groups.items()},
        facts=known,
        mode=mode,  # type: ignore[arg-type]
        digest=str(digest),
        on_error=on_error,  # type: ignore[arg-type]
        address=address,  # type: ignore[arg-type]
        credential=credential,  # type: ignore[arg-type]
        evaluation_us=int(us),  # type: ignore[call-overload]
        features=features,
    )


def _bits(bitmap: str) -> list[int]:
    number = int(bitmap, 16)
    return [index for index in range(number.bit_length()) if number >> index & 1]
