"""``cidr``: the value is an address in a network, IPv4 or IPv6."""

from __future__ import annotations

import ipaddress

from ostiary.language.draft import Draft, Networks, Text, named
from ostiary.language.item import Context, Item, ItemError
from ostiary.language.lists import network_hint
from ostiary.language.placeholders import has_placeholder


def apply(item: Item, _context: Context) -> Item:
    """Makes networks of texts. A bare address is a network of one; host bits are a mistake; placeholders wait for ``expand``."""
    item.before("cidr", frozenset())
    return item.each(_network)


def _network(value: Draft, index: int) -> Draft:
    if not isinstance(value, Text):
        raise ItemError("modifier-value", f"`cidr` needs a network as text, not {named(value)}", value=index)
    if has_placeholder(value.written):
        return value
    try:
        return Networks((str(ipaddress.ip_network(value.written)),))
    except ValueError as error:
        raise ItemError("cidr", f"`{value.written}` is no network: {error}", network_hint(value.written), value=index) from None
