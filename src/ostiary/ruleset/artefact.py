"""The artefact: a compiled Ruleset as bytes, which authoring writes and every function loads.

Layout: magic, format version (4 bytes), length of the payload (8 bytes), SHA-256 of the payload (32 bytes), payload; integers
are big-endian. The payload is canonical JSON (sorted keys, no whitespace, ASCII), not ``marshal``, which loads faster: an
artefact is built on one Python and loaded on another, and ``marshal`` promises nothing across versions, nor that damaged
bytes do no harm.

The digest tells damage, not authorship: who may write the bucket or the deployment package decides that.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from hashlib import sha256

from ostiary.ruleset.rule_codec import decode_ruleset, encode_ruleset
from ostiary.vocabulary.errors import ArtefactError
from ostiary.vocabulary.rule import Ruleset

MAGIC = b"OSTIARY\n"
FORMAT_VERSION = 1
_HEADER = struct.Struct(">8sIQ32s")


def dump(ruleset: Ruleset) -> bytes:
    """A Ruleset as bytes: the same Ruleset gives the same bytes. Its own ``digest`` is not written: the payload decides it."""
    payload = _payload(ruleset)
    return _HEADER.pack(MAGIC, FORMAT_VERSION, len(payload), sha256(payload).digest()) + payload


def _payload(ruleset: Ruleset) -> bytes:
    return json.dumps(encode_ruleset(ruleset), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def load(data: bytes) -> Ruleset:
    """The Ruleset of an artefact, with its ``digest`` set; whole or not at all.

    Raises ``ArtefactError`` that says what is wrong: no artefact, truncated, longer than it says, another digest, a newer format.
    """
    if len(data) < _HEADER.size:
        raise ArtefactError(f"the artefact is truncated: {len(data)} bytes, its header alone has {_HEADER.size}")
    magic, version, length, digest = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise ArtefactError("this is no artefact: it does not start with the magic bytes; compile one with `ostiary compile`")
    if version > FORMAT_VERSION:
        raise ArtefactError(f"the artefact has format version {version}, this code reads up to {FORMAT_VERSION}: update the code first")
    if version < 1:
        raise ArtefactError(f"the artefact is damaged: format version {version} does not exist")
    payload = data[_HEADER.size :]
    if len(payload) < length:
        raise ArtefactError(f"the artefact is truncated: {len(payload)} bytes of payload, its header says {length}")
    if len(payload) > length:
        raise ArtefactError(f"the artefact is damaged: {len(payload) - length} bytes follow its end")
    if sha256(payload).digest() != digest:
        raise ArtefactError("the artefact is damaged: its payload has another SHA-256 digest than its header says")
    try:
        return decode_ruleset(json.loads(payload), digest.hex())
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ArtefactError(f"the artefact's payload is no Ruleset of format version {version}: {error!r}") from None


def sealed(ruleset: Ruleset) -> Ruleset:
    """The Ruleset with the digest that it will have when it is loaded.

    >>> len(sealed(Ruleset(rules=())).digest)
    64
    """
    return replace(ruleset, digest=sha256(_payload(ruleset)).hexdigest())
