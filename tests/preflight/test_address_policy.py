"""The policy: no address but a public one, whatever it is called."""

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


def admitted(*answers: str, host: str = "media.example") -> list[IPv4Address | IPv6Address]:
    """Return what the default policy lets through where the name has these addresses."""
    return AddressPolicy(lookup=lambda _host, _port: answers).resolve(host, 443, Deadline(30))


def refusal(ask: Callable[[], object]) -> str:
    """Return what the policy says of a host that may not be asked."""
    with pytest.raises(MediaError) as failed:
        ask()
    assert failed.value.issue.code == ErrorCode.DOWNLOAD_FAILED

    return failed.value.issue.text


@pytest.mark.parametrize("address", PRIVATE)
def test_no_special_address_is_asked(address: str) -> None:
    """Private, local, shared, reserved, multicast, metadata and tunnelled addresses are refused."""
    assert not is_public(ip_address(address))
    refusal(lambda: admitted(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_asked(address: str) -> None:
    """What is on the public internet is asked, through NAT64 as well."""
    assert admitted(address) == [ip_address(address)]


@given(st.ip_addresses(v=4))
def test_no_disguise_of_an_ipv4_address_passes_where_it_does_not(address: IPv4Address) -> None:
    """An IPv6 address that carries a private IPv4 address is as private."""
    number = int(address)
    disguises = [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address(number),
        IPv6Address((0x0064FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ]
    assert is_public(address) or not any(map(is_public, disguises))


@given(st.ip_addresses())
def test_nothing_that_python_calls_special_passes(address: IPv4Address | IPv6Address) -> None:
    """The policy is never wider than the standard library's idea of a global unicast address."""
    special = not address.is_global or address.is_multicast or address.is_reserved
    nat64 = int(address) >> 32 == 0x64FF9B << 64
    assert nat64 or not (special and is_public(address))


def test_one_private_address_among_several_refuses_the_name() -> None:
    """A name with a public and a private address is refused: either might be connected to."""
    refusal(lambda: admitted("93.184.216.34", "10.0.0.1"))


def test_the_refusal_does_not_tell_what_a_name_means_inside() -> None:
    """A name that is unknown and one that is private are refused in the same words."""
    assert refusal(admitted) == refusal(lambda: admitted("10.0.0.1"))


@pytest.mark.parametrize(
    "spelling",
    ["localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "::1", "0", "a" * 64 + ".x"],
)
def test_the_system_resolver_knows_every_spelling_of_the_loopback(spelling: str) -> None:
    """However the loopback is written, what it resolves to is judged."""
    refusal(lambda: AddressPolicy().resolve(spelling, 80, Deadline(30)))


def test_addresses_are_told_once_each() -> None:
    """The resolver's order is kept, without its repetitions."""
    assert admitted(*PUBLIC, *PUBLIC) == [ip_address(address) for address in PUBLIC]


@pytest.fixture
def stuck() -> Iterator[AddressPolicy]:
    """Give a policy whose resolver doesn't answer."""
    free = threading.Event()

    def resolve(_host: str, _port: int) -> list[str]:
        free.wait()
        return []

    yield AddressPolicy(lookup=resolve)
    free.set()


def test_a_resolver_that_does_not_answer_is_left_at_the_deadline(stuck: AddressPolicy) -> None:
    """The system's resolver has no timeout of its own, and the check has."""
    with pytest.raises(TimeoutError):
        stuck.resolve("media.example", 80, Deadline(0.05))


def test_lookups_left_behind_are_few(stuck: AddressPolicy) -> None:
    """Where as many as may be don't end, no other begins, and the check says that it is busy."""
    for _ in range(MAX_LOOKUP_COUNT + 1):  # the last is begun as soon as one ends
        with pytest.raises(TimeoutError):
            stuck.resolve("media.example", 80, Deadline(0.01))
    with pytest.raises(PreflightBusyError):
        AddressPolicy().resolve("93.184.216.34", 80, Deadline(0.01))
