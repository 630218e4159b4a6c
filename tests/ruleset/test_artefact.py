"""The artefact: whole or not at all."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from hashlib import sha256

import pytest

from ostiary.ruleset.artefact import FORMAT_VERSION, MAGIC, dump, load, sealed
from ostiary.vocabulary.errors import ArtefactError
from ostiary.vocabulary.plan import All, Equals, Glob, Not, Null, Wild
from ostiary.vocabulary.rule import Correlation, Counter, Exemption, Expression, Limit, Rule, Ruleset

RULESET = Ruleset(
    rules=(
        Rule(
            index=0,
            id="free-limit",
            title="Free limit",
            version="0123456789ab",
            level="low",
            category="request",
            name="free_limit",
            topic="limits",
            plan=All((Equals("account.plan", ("free", "ünïcode \ud800")), Not(Glob("url.path", ("/a", Wild.ANY, Wild.ONE), True)))),
            mode="enforce",
            action="throttle",
            limit=Limit(60, 60, ("account.id",), 20, True, "c1"),
            clause="T-2.1",
            message="Slow down.",
            on_error="closed",
        ),
        Rule(
            index=1,
            id="Keeps asking",
            title="Keeps asking",
            version="ba9876543210",
            level="critical",
            category="request",
            correlation=Correlation("event_count", (0,), ("account.id",), 86_400, (("gte", 30), ("lt", 90)), 20, "c2"),
            generate=False,
            action="withhold",
            withhold=("reasoning",),
        ),
        Rule(
            index=2,
            id="Many at once",
            title="Many at once",
            version="1",
            level="high",
            category="request",
            correlation=Correlation(
                "temporal",
                (0, 1),
                ("who",),
                60,
                (),
                10,
                fields=("a", "b"),
                percentile=99.5,
                expression=Expression("and", children=(Expression("rule", 0), Expression("not", children=(Expression("rule", 1),)))),
                aliases=(("who", ((0, "account.id"), (1, "client.address"))),),
            ),
        ),
        Rule(index=3, id="none", title="none", version="", level="informational", category="foreign", plan=Null("x")),
    ),
    counters=(Counter("c1", "limit", 60, 20, ("account.id",), (0,)), Counter("c2", "matches", 86_400, 20, ("account.id",), (0,))),
    exemptions=(Exemption("lab", ("acct-1",), ("free-limit",), ("throttle",), "research", "dana", 1.9e9),),
    escalation='{"escalation":"default"}',
)
HEADER = struct.calcsize(">8sIQ32s")


def artefact(payload: bytes, *, version: int = FORMAT_VERSION, magic: bytes = MAGIC) -> bytes:
    return struct.pack(">8sIQ32s", magic, version, len(payload), sha256(payload).digest()) + payload


def test_a_ruleset_comes_back_as_it_was_with_its_digest() -> None:
    data = dump(RULESET)
    loaded = load(data)
    assert (loaded.rules, loaded.counters, loaded.exemptions, loaded.escalation) == (
        RULESET.rules,
        RULESET.counters,
        RULESET.exemptions,
        RULESET.escalation,
    )
    assert loaded.digest == sha256(data[HEADER:]).hexdigest()
    assert loaded.by_id["free-limit"] is loaded.rules[0]


def test_the_same_ruleset_gives_the_same_bytes_and_another_one_another_digest() -> None:
    assert dump(sealed(RULESET)) == dump(RULESET)
    assert sealed(Ruleset(rules=RULESET.rules[:1])).digest != sealed(RULESET).digest


@pytest.mark.parametrize("length", [0, 1, HEADER - 1, HEADER, HEADER + 1, -1])
def test_a_truncated_artefact_is_named_so(length: int) -> None:
    with pytest.raises(ArtefactError, match="truncated"):
        load(dump(RULESET)[:length])


def test_every_flipped_byte_is_noticed() -> None:
    data = dump(RULESET)
    chance = random.Random(20_260_101)
    places = [*range(HEADER), *chance.sample(range(HEADER, len(data)), 300)]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 1 << chance.randrange(8)
        with pytest.raises(ArtefactError):
            load(bytes(damaged))


def test_a_newer_format_is_refused_by_its_number() -> None:
    with pytest.raises(ArtefactError, match=f"format version {FORMAT_VERSION + 1}.*update the code"):
        load(artefact(b"{}", version=FORMAT_VERSION + 1))


def test_a_format_that_never_was_is_refused() -> None:
    with pytest.raises(ArtefactError, match="format version 0 does not exist"):
        load(artefact(b"{}", version=0))


def test_a_payload_under_another_digest_is_refused() -> None:
    data = dump(RULESET)
    other = data[:20] + sha256(b"other").digest() + data[HEADER:]
    with pytest.raises(ArtefactError, match="SHA-256"):
        load(other)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(ArtefactError, match="1 bytes follow"):
        load(dump(RULESET) + b" ")


def test_other_files_are_no_artefacts() -> None:
    with pytest.raises(ArtefactError, match="no artefact"):
        load(b"title: a rule, not an artefact, and long enough to have a header of that size\n")


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b'{"rules":[{}]}', b'{"rules":[{"plan":["nothing"]}]}', b'{"rules":1}', b"[" * 100_000, b"\xff", b'"text"'],
)
def test_a_payload_that_is_no_ruleset_is_never_partly_loaded(payload: bytes) -> None:
    with pytest.raises(ArtefactError, match="no Ruleset"):
        load(artefact(payload))


def test_the_payload_is_canonical_json() -> None:
    payload = dump(RULESET)[HEADER:]
    assert payload.isascii()
    assert json.dumps(json.loads(payload), sort_keys=True, separators=(",", ":")).encode() == payload


def test_loading_imports_nothing_heavy() -> None:
    program = (
        "import sys; from ostiary.ruleset.active import Active; from ostiary.ruleset.artefact import dump, load; "
        "from ostiary.vocabulary.rule import Ruleset; load(dump(Ruleset(rules=()))); "
        "print(sorted(set(sys.modules) & {'yaml', 'pydantic', 'boto3', 'botocore', 'sigma', 'durable', 'ostiary.language', 're2'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
