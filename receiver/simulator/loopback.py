"""Connects to this machine only, so that a simulated callback never reaches another one."""

import socket
from contextlib import suppress
from ipaddress import ip_address


def loopback_addresses(host: str, port: int) -> list[str]:
    """Return the host's loopback addresses. Connect only to these; a second lookup may differ."""
    try:
        results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    addresses = [str(result[4][0]) for result in results]

    return [address for address in addresses if ip_address(address).is_loopback]


def connect(addresses: list[str], port: int, timeout_seconds: float) -> socket.socket:
    """Return a connection to the first address that accepts one: `localhost` may have two."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout_seconds)

    return socket.create_connection((addresses[-1], port), timeout_seconds)
