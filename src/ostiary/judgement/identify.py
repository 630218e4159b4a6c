"""Who is counted: a verified account, an account whose key the table knows, else the address."""

from __future__ import annotations

import ipaddress

from ostiary.judgement.recent import Recent
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.ports import Clock, StateStore
from ostiary.vocabulary.request import Principal, Request

KNOWN_SECONDS = 60.0
"""A credential's account is asked again after this."""
UNKNOWN_SECONDS = 5.0
"""One that is not in the table is asked again sooner: somebody may have just registered it."""
MAX_REMEMBERED = 4096
NOBODY = "unknown"


def address_principal(address: str) -> Principal:
    """The principal of an address; of IPv6 its /64, which one household or machine usually has to itself (RFC 6177).

    >>> address_principal("2001:db8::1").id, address_principal("203.0.113.7").id
    ('2001:db8::/64', '203.0.113.7')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return Principal("address", address)
    if parsed.version == 6:
        return Principal("address", str(ipaddress.ip_network((int(parsed), 64), strict=False)))
    return Principal("address", str(parsed))


class Identifier:
    """Finds the Principal of a Request; remembers what the table said of credentials."""

    def __init__(self, store: StateStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: Recent[str, str] = Recent(most=MAX_REMEMBERED, seconds=KNOWN_SECONDS)
        self._unknown: Recent[str, bool] = Recent(most=MAX_REMEMBERED, seconds=UNKNOWN_SECONDS)

    def principal(self, request: Request) -> Principal:
        """Never raises: while the table can't be asked, a credential means what it meant last."""
        account = request.account or self._account_of(request.fields.get("credential.id"))
        if account:
            return Principal("account", account)
        return address_principal(request.address) if request.address else Principal("address", NOBODY)

    def _account_of(self, credential: object) -> str | None:
        if not isinstance(credential, str):
            return None
        now = self._clock.monotonic()
        known = self._known.fresh(credential, now=now)
        if known is not None or self._unknown.fresh(credential, now=now):
            return known
        try:
            account = self._store.account_of(credential)
        except StoreError:
            return self._known.last(credential)
        if account is None:
            self._unknown.keep(credential, True, now=now)
        else:
            self._known.keep(credential, account, now=now)
        return account
