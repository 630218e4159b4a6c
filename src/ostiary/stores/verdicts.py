"""The verdict table's repository, over any ``Backend``: verdicts by id, and the artefacts that decided them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from ostiary.stores.items import TTL
from ostiary.stores.kept import dumps, loads
from ostiary.stores.schema import BY_PRINCIPAL
from ostiary.stores.tables import Absent, Backend, Item, Lower, Put, Table
from ostiary.vocabulary.errors import ConditionFailed, StoreError
from ostiary.vocabulary.verdict import Verdict

DATA = "data"
RULESET = "ruleset#"
MAX_ARTEFACT_BYTES = 380 * 1024
"""Largest artefact that is kept, compressed: an item holds 400 KB."""
MAX_ARTEFACT_PLAIN_BYTES = 64 * 1024 * 1024
"""Largest artefact after decompression."""


class VerdictRepository:
    """``VerdictStore`` over a ``Backend``. Verdicts expire ``days`` after their time; None: never."""

    def __init__(self, backend: Backend, table: Table, days: int | None) -> None:
        self._backend = backend
        self._table = table
        self._days = days

    def upsert(self, verdict: Verdict) -> bool:
        """Keep it unless one that outranks it, or it itself, is there: one conditional put."""
        ranks = (("rank", rank(verdict)), ("seq", verdict.seq))
        try:
            self._backend.put(Put(self._table, self._item(verdict), (Lower(ranks),)))
        except ConditionFailed:
            return False
        return True

    def _item(self, verdict: Verdict) -> Item:
        item: Item = {
            "id": verdict.id,
            "principal": verdict.principal,
            "time": verdict.time,
            "rank": rank(verdict),
            "seq": verdict.seq,
            "outcome": verdict.effect.outcome,
            "would": verdict.would.outcome,
            "rules": tuple(rule.id for rule in verdict.rules),
            "degraded": verdict.degraded,
            "digest": verdict.digest,
            DATA: dumps(verdict),
        }
        if self._days is not None:
            item[TTL] = int(verdict.time) + self._days * 86_400
        return item

    def get(self, id: str) -> Verdict | None:
        item = self._backend.get(self._table, (id,))
        return None if item is None else _verdict(item)

    def of(self, principal: str, limit: int) -> Sequence[Verdict]:
        """A principal's newest verdicts; eventually consistent."""
        return [_verdict(item) for item in self._backend.query(self._table, principal, index=BY_PRINCIPAL, limit=limit)]

    def keep_ruleset(self, digest: str, artefact: bytes) -> None:
        """Keep an artefact by its digest, compressed; ``StoreError`` over ``MAX_ARTEFACT_BYTES``. Kept once, never replaced."""
        data = zlib.compress(artefact, 6)
        if len(data) > MAX_ARTEFACT_BYTES:
            raise StoreError(
                f"the artefact {digest[:12]} has {len(data)} bytes compressed: over {MAX_ARTEFACT_BYTES} can't be kept",
                applied=False,
            )
        try:
            self._backend.put(Put(self._table, {"id": RULESET + digest, DATA: data}, (Absent("id"),)))
        except ConditionFailed:
            return  # Another process kept it: the same digest is the same bytes.

    def ruleset(self, digest: str) -> bytes | None:
        item = self._backend.get(self._table, (RULESET + digest,))
        if item is None:
            return None
        data = item.get(DATA)
        try:
            if not isinstance(data, bytes):
                raise zlib.error("no bytes")
            stream = zlib.decompressobj()
            plain = stream.decompress(data, MAX_ARTEFACT_PLAIN_BYTES)
            if not stream.eof:
                raise zlib.error("cut short, or too large")
        except zlib.error as error:
            raise StoreError(f"the kept artefact {digest[:12]} can't be read: {error}") from error
        return plain


def rank(verdict: Verdict) -> int:
    """1 for what only the caller can know (degraded, a block on the address): it is what the caller got; else 0."""
    reasons = (verdict.effect.reason, verdict.would.reason)
    return 1 if verdict.degraded or "address_blocked" in reasons else 0


def _verdict(item: Item) -> Verdict:
    return loads(Verdict, item.get(DATA), f"verdict {item.get('id')!r}")
