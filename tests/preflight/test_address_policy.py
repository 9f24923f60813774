"""The policy allows public addresses only, however they are written."""

import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.preflight.address_policy import AddressPolicy, is_public
from receiver.preflight.errors import ErrorCode, MediaError, PreflightBusyError
from receiver.preflight.resolver import MAX_LOOKUP_COUNT
from receiver.runtime.deadline import Deadline

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.1.2.3",
    "168.63.129.16",
    "169.254.169.254",
    "172.31.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:93.184.216.34",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:a00:1::",
    "2002:5db8:d822::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "64:ff9b::93.184.216.34",
]


def allowed_addresses(*answers: str) -> list[IPv4Address | IPv6Address]:
    """Return the addresses that the default policy allows if the host resolves to `answers`."""
    policy = AddressPolicy(lookup=lambda _host, _port: answers)

    return policy.resolve("media.example", 443, Deadline(30))


def refusal_text(resolve: Callable[[], object]) -> str:
    """Return the error text for a host that the policy refuses."""
    with pytest.raises(MediaError) as failed:
        resolve()
    assert failed.value.issue.code == ErrorCode.DOWNLOAD_FAILED

    return failed.value.issue.text


@pytest.mark.parametrize("address", PRIVATE)
def test_special_address_is_refused(address: str) -> None:
    """Private, local, shared, reserved, multicast, metadata and tunnelled addresses are refused."""
    assert not is_public(ip_address(address))
    refusal_text(lambda: allowed_addresses(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    """The policy allows public internet addresses, also through NAT64."""
    assert allowed_addresses(address) == [ip_address(address)]


@given(st.ip_addresses(v=4))
def test_private_ipv4_address_is_refused_inside_ipv6(address: IPv4Address) -> None:
    """The policy refuses an IPv6 address that carries a private IPv4 address."""
    number = int(address)
    ipv6_addresses = [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address(number),
        IPv6Address((0x0064FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ]
    assert is_public(address) or not any(map(is_public, ipv6_addresses))


@given(st.ip_addresses())
def test_special_address_of_the_standard_library_is_refused(
    address: IPv4Address | IPv6Address,
) -> None:
    """The policy allows only global unicast addresses as the standard library defines them."""
    is_special = not address.is_global or address.is_multicast or address.is_reserved
    is_nat64 = int(address) >> 32 == 0x64FF9B << 64
    assert is_nat64 or not (is_special and is_public(address))


def test_one_private_address_refuses_the_host() -> None:
    """The policy refuses a host with a public and a private address: both might be connected to."""
    refusal_text(lambda: allowed_addresses("93.184.216.34", "10.0.0.1"))


def test_refusal_reveals_no_internal_name() -> None:
    """The refusal of an unknown host and of a private one have the same text."""
    assert refusal_text(allowed_addresses) == refusal_text(lambda: allowed_addresses("10.0.0.1"))


@pytest.mark.parametrize(
    "spelling",
    ["localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "::1", "0", "a" * 64 + ".x"],
)
def test_every_spelling_of_loopback_is_refused(spelling: str) -> None:
    """The policy checks the resolved address, so it refuses every spelling of the loopback."""
    refusal_text(lambda: AddressPolicy().resolve(spelling, 80, Deadline(30)))


def test_addresses_are_unique() -> None:
    """The policy returns each address once, in the resolver's order."""
    assert allowed_addresses(*PUBLIC, *PUBLIC) == [ip_address(address) for address in PUBLIC]


@pytest.fixture
def hanging_policy() -> Iterator[AddressPolicy]:
    """Yield a policy whose resolver doesn't answer."""
    released = threading.Event()

    def resolve(_host: str, _port: int) -> list[str]:
        released.wait()
        return []

    yield AddressPolicy(lookup=resolve)
    released.set()


def test_lookup_ends_at_the_deadline(hanging_policy: AddressPolicy) -> None:
    """The check gives up a lookup at its deadline: the system's resolver has no timeout."""
    with pytest.raises(TimeoutError):
        hanging_policy.resolve("media.example", 80, Deadline(0.05))


def test_abandoned_lookups_are_limited(hanging_policy: AddressPolicy) -> None:
    """While the maximum of lookups hangs, no other begins and the check reports that it is busy."""
    for _ in range(MAX_LOOKUP_COUNT + 1):  # the last one starts when another ends
        with pytest.raises(TimeoutError):
            hanging_policy.resolve("media.example", 80, Deadline(0.01))
    with pytest.raises(PreflightBusyError):
        AddressPolicy().resolve("93.184.216.34", 80, Deadline(0.01))
