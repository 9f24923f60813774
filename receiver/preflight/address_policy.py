"""Decides which IP addresses may be connected to.

The URLs come from clients. Without this check they could make the service send requests into its
own private network (SSRF).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import certifi

from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.resolver import look_up, run_until_deadline
from receiver.runtime.deadline import Deadline

Address = IPv4Address | IPv6Address

# The only part of IPv6 that is assigned to the public internet (RFC 4291, IANA).
_GLOBAL_UNICAST = ip_network("2000::/3")
# NAT64 (RFC 6052): an IPv6-only machine reaches the IPv4 address in the last 32 bits.
_NAT64 = ip_network("64:ff9b::/96")
# Networks that `is_global` accepts, at least in some versions of Python.
_NOT_PUBLIC = (
    ip_network("168.63.129.16/32"),  # Azure's internal services
    ip_network("192.0.0.0/24"),  # IETF protocol assignments; Oracle's metadata service
    ip_network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    ip_network("2001::/23"),  # IETF protocol assignments; Teredo embeds an IPv4 address
    ip_network("2002::/16"),  # 6to4 embeds an IPv4 address
    ip_network("3fff::/20"),  # documentation (RFC 9637)
)


def is_public(address: Address) -> bool:
    """Return whether this is the address of a host on the public internet.

    An IPv6 address that embeds an IPv4 address is public only if that one is (NAT64), or never.
    """
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST:
            return False

    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NOT_PUBLIC)
    )


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Resolves host names, and rejects a name with an address that is not allowed.

    `lookup` returns the addresses of a host and port. `ca_file` contains the trusted certificate
    authorities. Tests replace all three fields, because their servers listen on loopback.
    """

    lookup: Callable[[str, int], Iterable[str]] = look_up
    is_allowed: Callable[[Address], bool] = is_public
    ca_file: str = certifi.where()

    def resolve(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        """Return the host's addresses. Connect only to these; a second lookup may differ.

        Raises MediaError unless all are allowed. Its text is the same for an unknown name and a
        private address, so that it reveals nothing about an internal network. Raises TimeoutError
        or PreflightBusyError if the lookup does not end in time.
        """
        addresses = [ip_address(text) for text in self._look_up(host, port, deadline)]
        if not addresses or not all(map(self.is_allowed, addresses)):
            raise MediaError(
                ErrorCode.DOWNLOAD_FAILED,
                f"{host} has no address, or one not on the public internet",
            )

        return list(dict.fromkeys(addresses))

    def _look_up(self, host: str, port: int, deadline: Deadline) -> list[str]:
        def lookup() -> list[str]:
            try:
                return list(self.lookup(host, port))
            except (OSError, UnicodeError):  # unknown host; label too long
                return []

        return run_until_deadline(lookup, deadline)
