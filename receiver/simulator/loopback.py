"""Keeps the simulator on this machine: the addresses it connects to, the hosts it answers for."""

import re
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


def is_loopback_host(host_header: str) -> bool:
    """Return whether a Host header is localhost or a loopback address, with any port.

    A web page can give its own name the address 127.0.0.1, to send requests here from a browser.
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:]+)\]|([A-Za-z0-9.-]+))(?::[0-9]+)?", host_header)
    name = (match[1] or match[2]).lower() if match else ""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def connect(addresses: list[str], port: int, timeout_seconds: float) -> socket.socket:
    """Return a connection to the first address that accepts one: `localhost` may have two."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout_seconds)

    return socket.create_connection((addresses[-1], port), timeout_seconds)
