"""The client's address, behind proxies that are trusted by configuration and nobody else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from ostiary.gateways.limits import MAX_FORWARDED_HOPS

MAX_INVALID_CHARACTERS = 64
"""Of a text that should have been an address, as ``client.address.invalid`` keeps it."""
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[0-9.]+):\d{1,5}")

Address = IPv4Address | IPv6Address


class Client(NamedTuple):
    """``address`` is canonical, or None; then ``invalid`` is what stood in its place (empty: nothing did)."""

    address: str | None
    invalid: str = ""
    through_trusted: bool = False
    """The peer is a trusted proxy, so what it says of the client (country, ASN) is believed."""


def parse(text: str) -> Address | None:
    """An address as gateways write it: with a port, in brackets, with a zone, IPv4 mapped into IPv6; None when it is none.

    >>> [str(parse(text)) for text in ("192.0.2.1:443", "[2001:db8::1]:443", "fe80::1%eth0", "::ffff:192.0.2.1", "unknown", "")]
    ['192.0.2.1', '2001:db8::1', 'fe80::1', '192.0.2.1', 'None', 'None']
    """
    text = text.strip()
    if match := _WITH_PORT.fullmatch(text):
        text = match["v6"] if match["v6"] is not None else match["v4"]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def client(peer: object, forwarded: Sequence[str], trusted: tuple[str, ...]) -> Client:
    """Who asks: the peer, or, while the peer is a trusted proxy, the entry of X-Forwarded-For that it vouches for.

    ``forwarded`` are the entries in order. They are read from the right, since each proxy appends the address it saw: the first
    that is no trusted proxy is the client. What stands left of it is only evidence: anybody can write it.
    """
    text = peer if isinstance(peer, str) else ""
    address = parse(text)
    if address is None:
        return Client(None, text[:MAX_INVALID_CHARACTERS])
    networks = _networks(trusted)
    if not _within(address, networks):
        return Client(str(address))
    for entry in list(reversed(forwarded))[:MAX_FORWARDED_HOPS]:
        hop = parse(entry)
        if hop is None:
            return Client(None, entry[:MAX_INVALID_CHARACTERS], through_trusted=True)
        address = hop
        if not _within(hop, networks):
            break
    return Client(str(address), through_trusted=True)


def _within(address: Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in network for network in networks)


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network, strict=False) for network in trusted)
