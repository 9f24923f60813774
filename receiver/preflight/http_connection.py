"""One HTTP request to an address that the gate has let through, under a deadline.

http.client gets a connection of ours: the HTTP libraries above it resolve the name by themselves,
and their timeouts begin anew with each byte that a slow sender drips.
"""

import io
import socket
import ssl
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from typing import Any, cast

from receiver.preflight.address_policy import Address, AddressPolicy
from receiver.preflight.target import Target
from receiver.runtime.deadline import Deadline

# In bytes, of one file whose server gives no parts of it: a cover picture may precede the sound.
MOST = 8 * 2**20
_OVERHEAD = 2**20  # headers and the framing of chunks


@dataclass(frozen=True, slots=True)
class HttpConnection:
    """A target and the addresses that it is pinned to; what is opened is closed with `sockets`."""

    target: Target
    addresses: list[Address]
    gate: AddressPolicy
    deadline: Deadline
    sockets: ExitStack

    def get(self, start: int, length: int) -> HTTPResponse:
        """Ask for a range of bytes and return the answer, its body unread.

        Raises OSError and HTTPException where none comes.
        """
        connection = HTTPConnection(self.target.host, self.target.port)
        connection.sock = cast("socket.socket", _Wire(self._connected(), self.deadline))
        headers = {
            "Host": self.target.host_header,
            "User-Agent": "transcription-receiver",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Range": f"bytes={start}-{start + length - 1}",
            "Connection": "close",
        }
        if self.target.authorization:
            headers["Authorization"] = self.target.authorization
        connection.request("GET", self.target.path, headers=headers)

        return connection.getresponse()

    def _connected(self) -> socket.socket:
        plain = self.sockets.enter_context(self._first())
        if not self.target.is_tls:
            return plain
        plain.settimeout(_left(self.deadline))
        context = _context(self.gate.authorities)

        # The certificate is the name's, though the connection is the address's.
        return self.sockets.enter_context(
            context.wrap_socket(plain, server_hostname=self.target.host)
        )

    def _first(self) -> socket.socket:
        refusal = OSError()
        for tried, address in enumerate(self.addresses):
            # The time that is left is shared among the addresses that are.
            patience = _left(self.deadline) / (len(self.addresses) - tried)
            try:
                return socket.create_connection((str(address), self.target.port), patience)
            except OSError as error:
                refusal = error

        raise refusal


@cache  # reading some hundred certificates takes longer than all else
def _context(authorities: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities)


class _Wire:
    """A socket as http.client uses it, which never waits beyond the deadline."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._socket, self._deadline))

    def close(self) -> None:
        """Do nothing: http.client closes before the body is read, and counts on `makefile`."""


class _Incoming(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline
        self._left = MOST + _OVERHEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Reading doesn't wait as long as the sender is the faster: let others have their turn.
        time.sleep(0)
        self._socket.settimeout(_left(self._deadline))
        size = self._socket.recv_into(buffer)
        self._left -= size
        if self._left < 0:
            raise OSError("it sent too much")

        return size


def _left(deadline: Deadline) -> float:
    # A timeout of 0 means another thing to a socket.
    seconds = deadline.remaining()
    if not seconds:
        raise TimeoutError

    return seconds
