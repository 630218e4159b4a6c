"""The state table's repository, over any ``Backend``: the request path's one write, and what operators and ``escalate`` do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from ostiary.stores.items import (
    BUCKET,
    ENFORCEMENT,
    ENFORCEMENT_VERSION,
    FACT,
    KEEP_UNTIL,
    KEY,
    RECORD,
    SEQ,
    TTL,
    WRITER,
    enforcement_of,
    state_of,
)
from ostiary.stores.kept import dumps
from ostiary.stores.tables import (
    Absent,
    AttributeValue,
    Backend,
    Condition,
    Equals,
    Item,
    Lower,
    Table,
    Update,
)
from ostiary.vocabulary.errors import ConditionFailed, StoreError
from ostiary.vocabulary.ports import Clock
from ostiary.vocabulary.request import Principal, Scalar
from ostiary.vocabulary.rule import Mode
from ostiary.vocabulary.state import Control, Enforcement, State, StateWrite

MODE_KEY = "control#mode"
MODE = "mode"
ACCOUNT = "account"
FOREVER = 253402300799
"""The end of the year 9999, epoch seconds: an item that must not expire."""
RETENTION_SECONDS = 35 * 86_400
"""How long an item is kept after its enforcement ended: longer than any window that it may hold."""
MAX_REMOVALS = 150
"""Most old buckets that one write drops; the rest go with later writes (they stay in every answer)."""
MAX_ENFORCE_ATTEMPTS = 4
MAX_FACTS = 100
"""Most facts in one call of ``set_facts``."""


class StateRepository:
    """``AdminStore`` over a ``Backend``. With ``ttl`` False nothing expires (virtual clocks)."""

    def __init__(self, backend: Backend, table: Table, clock: Clock, *, ttl: bool = True) -> None:
        self._backend = backend
        self._table = table
        self._clock = clock
        self._ttl = ttl

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """All of this thread's calls in the block share one deadline, so that a request's several calls cost no more than one."""
        return self._backend.within(seconds)

    def write(self, write: StateWrite) -> State:
        """One unconditional update. A ``request`` adds one to ``seq`` and leaves its record; an ``undo`` does neither."""
        add = {BUCKET + name: amount for name, amount in write.add.items()}
        values: dict[str, AttributeValue] = {WRITER: write.writer}
        if write.writer == "request":
            add[SEQ] = 1
            if write.record is not None:
                values[RECORD] = write.record
        update = Update(
            self._table,
            (write.principal.key,),
            add=add,
            set=values,
            set_from={TTL: (KEEP_UNTIL, write.expires)} if self._ttl else {},
            remove=tuple(BUCKET + name for name in write.remove[:MAX_REMOVALS]),
        )
        return state_of(self._backend.update(update))

    def control(self, address: Principal | None, default: Mode) -> Control:
        """The kill switch (``default`` until somebody wrote it) and the enforcement on an address."""
        keys = [(MODE_KEY,)] if address is None else [(MODE_KEY,), (address.key,)]
        found = {item[KEY]: item for item in self._backend.get_many(self._table, keys, (KEY, MODE, ENFORCEMENT))}
        stored = found.get(MODE_KEY, {}).get(MODE)
        mode: Mode = "enforce" if stored == "enforce" else "monitor" if stored == "monitor" else default
        return Control(mode, None if address is None else enforcement_of(found.get(address.key, {})))

    def account_of(self, credential: str) -> str | None:
        """The account that a credential's keyed hash belongs to; eventually consistent."""
        item = self._backend.get(self._table, (f"credential#{credential}",), consistent=False)
        account = None if item is None else item.get(ACCOUNT)
        return account if isinstance(account, str) else None

    def read(self, principal: Principal) -> State | None:
        """The principal's state, consistent; None where nothing was ever written."""
        item = self._backend.get(self._table, (principal.key,))
        return None if item is None else state_of(item)

    def set_facts(self, principal: Principal, facts: Mapping[str, Scalar]) -> None:
        """Set facts by their full names (``account.plan``); None removes one. An item with facts does not expire."""
        if not 0 < len(facts) <= MAX_FACTS:
            raise StoreError(f"{len(facts)} facts for {principal.key}: set 1 to {MAX_FACTS} in one call", applied=False)
        values: dict[str, AttributeValue] = {FACT + name: value for name, value in facts.items() if value is not None}
        values |= {WRITER: "facts", KEEP_UNTIL: FOREVER}
        if self._ttl:
            values[TTL] = FOREVER
        gone = tuple(FACT + name for name, value in facts.items() if value is None)
        self._backend.update(Update(self._table, (principal.key,), set=values, remove=gone))

    def set_mode(self, mode: Mode) -> None:
        """Write the kill switch; requests see it within their cache of 5 s."""
        self._backend.update(Update(self._table, (MODE_KEY,), set={MODE: mode, WRITER: "mode"}))

    def set_credential(self, credential: str, account: str) -> None:
        """Say to which account a credential (its keyed hash) belongs."""
        self._backend.update(Update(self._table, (f"credential#{credential}",), set={ACCOUNT: account, WRITER: "credential"}))

    def enforce(self, principal: Principal, enforcement: Enforcement) -> bool:
        """Put it in force by a plain update, conditional on a rising version: requests' own writes go on meanwhile.

        ``keep_until`` is conditional too, so that a fact set at the same moment keeps its item from expiring.
        """
        for _ in range(MAX_ENFORCE_ATTEMPTS):
            item = self._backend.get(self._table, (principal.key,)) or {}
            version = item.get(ENFORCEMENT_VERSION)
            if isinstance(version, int) and version >= enforcement.version:
                return False
            try:
                self._backend.update(self._enforcing(principal, enforcement, item))
            except ConditionFailed:
                continue
            return True
        raise ConditionFailed(f"{principal.key} was changed {MAX_ENFORCE_ATTEMPTS} times while its enforcement was written; try again")

    def _enforcing(self, principal: Principal, enforcement: Enforcement, item: Item) -> Update:
        values: dict[str, AttributeValue] = {ENFORCEMENT_VERSION: enforcement.version, WRITER: "enforcement"}
        gone: list[str] = []
        ended = enforcement.stage == "none"
        if ended:
            gone.append(ENFORCEMENT)
        else:
            values[ENFORCEMENT] = dumps(enforcement)
        kept = item.get(KEEP_UNTIL)
        expires = self._expires(enforcement, item)
        if ended and expires != FOREVER:
            gone.append(KEEP_UNTIL)
        else:
            values[KEEP_UNTIL] = expires
        if self._ttl:
            values[TTL] = expires
        unchanged: Condition = Equals(KEEP_UNTIL, kept) if isinstance(kept, int) else Absent(KEEP_UNTIL)
        conditions = (Lower(((ENFORCEMENT_VERSION, enforcement.version),)), unchanged)
        return Update(self._table, (principal.key,), set=values, remove=tuple(gone), conditions=conditions)

    def _expires(self, enforcement: Enforcement, item: Item) -> int:
        """Epoch seconds until which the item must stay: its enforcement's end and the longest window after it."""
        endless = enforcement.stage != "none" and enforcement.until is None
        if endless or any(name.startswith(FACT) for name in item):
            return FOREVER
        end = enforcement.until if enforcement.until is not None and enforcement.stage != "none" else self._clock.now()
        return int(end) + RETENTION_SECONDS
