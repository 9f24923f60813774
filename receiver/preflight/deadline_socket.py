"""A socket for http.client with one deadline for everything, and a limit on received bytes.

A socket's own timeout starts again with every byte that a slow server sends.
"""

import io
import socket
import time
from typing import Any

from receiver.runtime.deadline import Deadline

# Read at most from a server that doesn't support ranges. A cover picture may precede the audio.
MAX_DOWNLOAD_BYTES = 8 * 2**20
_MAX_OVERHEAD_BYTES = 2**20  # headers and the framing of chunks


class DeadlineSocket:
    """The part of a socket that http.client uses."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send all data; raises OSError, which includes TimeoutError."""
        self._socket.settimeout(remaining_seconds(self._deadline))
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a file to read from, limited to MAX_DOWNLOAD_BYTES and some overhead."""
        return io.BufferedReader(_SocketReader(self._socket, self._deadline))

    def close(self) -> None:
        """Do nothing: http.client closes the socket before it reads the body from `makefile`."""


class _SocketReader(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline
        self._remaining_bytes = MAX_DOWNLOAD_BYTES + _MAX_OVERHEAD_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Reading from a fast server never waits, so gevent would not switch to other requests.
        time.sleep(0)
        self._socket.settimeout(remaining_seconds(self._deadline))
        size = self._socket.recv_into(buffer)
        self._remaining_bytes -= size
        if self._remaining_bytes < 0:
            raise OSError("the server sent too much")

        return size


def remaining_seconds(deadline: Deadline) -> float:
    """Return the time until the deadline, never 0; raises TimeoutError after the deadline."""
    # To a socket, a timeout of 0 means non-blocking.
    seconds = deadline.remaining()
    if not seconds:
        raise TimeoutError

    return seconds
