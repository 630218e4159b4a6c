"""Who the client is, behind proxies that are trusted and behind others."""

from __future__ import annotations

import pytest

from ostiary.gateways.address import Client, client
from ostiary.gateways.limits import MAX_FORWARDED_HOPS

TRUSTED = ("192.0.2.0/24", "2001:db8:ffff::/48")


@pytest.mark.parametrize(
    ("peer", "found"),
    [
        ("203.0.113.7", Client("203.0.113.7")),
        (" 203.0.113.7:443 ", Client("203.0.113.7")),
        ("::ffff:203.0.113.7", Client("203.0.113.7")),
        ("[2001:DB8::0001]:80", Client("2001:db8::1")),
        ("fe80::1%eth0", Client("fe80::1")),
        ("unknown", Client(None, "unknown")),
        ("test-invoke-source-ip", Client(None, "test-invoke-source-ip")),
        ("", Client(None)),
        (None, Client(None)),
        (7, Client(None)),
        ("1.2.3.4.5", Client(None, "1.2.3.4.5")),
        ("203.0.113.007", Client(None, "203.0.113.007")),
    ],
)
def test_a_peer_is_an_address_or_said_not_to_be(peer: object, found: Client) -> None:
    assert client(peer, (), TRUSTED) == found


def test_without_a_trusted_proxy_two_hundred_forwarded_addresses_change_nothing() -> None:
    forwarded = [f"10.0.0.{n}" for n in range(200)]
    assert client("203.0.113.7", forwarded, ()) == Client("203.0.113.7")
    assert client("203.0.113.7", forwarded, TRUSTED) == Client("203.0.113.7")


def test_hops_are_counted_from_the_right_up_to_the_first_that_is_not_trusted() -> None:
    forwarded = ["10.0.0.1", "127.0.0.1", "198.51.100.9", "2001:db8:ffff::1", "192.0.2.7"]
    assert client("192.0.2.1", forwarded, TRUSTED).address == "198.51.100.9"


def test_when_every_hop_is_trusted_the_leftmost_is_the_client() -> None:
    assert client("192.0.2.1", ["192.0.2.9", "192.0.2.8"], TRUSTED).address == "192.0.2.9"
    assert client("192.0.2.1", [], TRUSTED).address == "192.0.2.1"


def test_what_a_trusted_proxy_could_not_name_is_no_address() -> None:
    assert client("192.0.2.1", ["198.51.100.9", "unknown"], TRUSTED) == Client(None, "unknown", through_trusted=True)


@pytest.mark.parametrize(("proxies", "address"), [(MAX_FORWARDED_HOPS - 1, "198.51.100.9"), (MAX_FORWARDED_HOPS, "192.0.2.5")])
def test_at_most_so_many_hops_are_looked_at(proxies: int, address: str) -> None:
    assert client("192.0.2.1", ["198.51.100.9", *["192.0.2.5"] * proxies], TRUSTED).address == address
