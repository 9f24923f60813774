"""The gate: which addresses may be asked. A server that fetches any URL it is given is a hole."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import certifi

from receiver.preflight.errors import Code, MediaError
from receiver.preflight.resolver import addresses_of, in_time
from receiver.runtime.deadline import Deadline

Address = IPv4Address | IPv6Address

# The only part of IPv6 that is given out for the public internet (RFC 4291, IANA).
_UNICAST = ip_network("2000::/3")
# NAT64 (RFC 6052): how an IPv6-only machine reaches the IPv4 address in the last 32 bits.
_NAT64 = ip_network("64:ff9b::/96")
# What `is_global` lets through, in some version of Python at least.
_NOT_PUBLIC = (
    ip_network("168.63.129.16/32"),  # Azure's own services, to the machines in it
    ip_network("192.0.0.0/24"),  # IETF protocol assignments; Oracle's metadata
    ip_network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    ip_network("2001::/23"),  # IETF protocol assignments; Teredo carries an IPv4 address
    ip_network("2002::/16"),  # 6to4 carries an IPv4 address
    ip_network("3fff::/20"),  # documentation (RFC 9637)
)


def is_public(address: Address) -> bool:
    """Return whether it is a host's address on the public internet, and no disguise of another."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _UNICAST:
            return False

    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NOT_PUBLIC)
    )


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Who may be asked: `allows` judges each address that `resolve` gives for a host and port.

    `authorities` is the file of certificates that a server's own is held against. All three are
    there to be replaced by tests, whose servers are on the loopback.
    """

    resolve: Callable[[str, int], Iterable[str]] = addresses_of
    allows: Callable[[Address], bool] = is_public
    authorities: str = certifi.where()

    def admit(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        """Return the addresses of the host, or raise Failed unless every one may be asked.

        Raises TimeoutError or Busy where the resolver doesn't tell them in time.

        The connection has to go to one of these: whoever asks for the name again may be told
        another. Failed doesn't tell what a name means inside: not even whether it means anything.
        """
        addresses = [ip_address(name) for name in self._resolved(host, port, deadline)]
        if not addresses or not all(map(self.allows, addresses)):
            raise MediaError(
                Code.DOWNLOAD_FAILED, f"{host} has no address, or one not on the public internet"
            )

        return list(dict.fromkeys(addresses))

    def _resolved(self, host: str, port: int, deadline: Deadline) -> list[str]:
        def lookup() -> list[str]:
            try:
                return list(self.resolve(host, port))
            except (OSError, UnicodeError):  # unknown; a label too long
                return []

        return in_time(lookup, deadline)
