"""Sends an HTTP request to an address that the policy has allowed, within a deadline.

It uses http.client with a connected socket. Higher-level HTTP libraries would resolve the name
again, and could get another address.
"""

import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from typing import cast

from receiver.preflight.address_policy import Address, AddressPolicy
from receiver.preflight.deadline_socket import DeadlineSocket, remaining_seconds
from receiver.preflight.media_url import MediaUrl
from receiver.runtime.deadline import Deadline


@dataclass(frozen=True, slots=True)
class HttpConnection:
    """Connects to a URL's allowed addresses; closing `sockets` closes what was opened."""

    url: MediaUrl
    addresses: list[Address]
    policy: AddressPolicy
    deadline: Deadline
    sockets: ExitStack

    def get(self, byte_range: tuple[int, int] | None) -> HTTPResponse:
        """Request the bytes from the first to the last one, or the whole file if None.

        The body of the response is not read yet. Raises OSError or HTTPException if there is no
        response.
        """
        connection = HTTPConnection(self.url.host, self.url.port)
        connection.sock = cast("socket.socket", DeadlineSocket(self._connect(), self.deadline))
        headers = {
            "Host": self.url.host_header,
            "User-Agent": "transcription-receiver",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if byte_range:
            headers["Range"] = "bytes={}-{}".format(*byte_range)
        if self.url.authorization:
            headers["Authorization"] = self.url.authorization
        connection.request("GET", self.url.path, headers=headers)

        return connection.getresponse()

    def _connect(self) -> socket.socket:
        tcp_socket = self.sockets.enter_context(self._connect_tcp())
        if not self.url.is_tls:
            return tcp_socket
        tcp_socket.settimeout(remaining_seconds(self.deadline))
        context = _tls_context(self.policy.ca_file)

        # The certificate must match the host name, although we connect to an address.
        return self.sockets.enter_context(
            context.wrap_socket(tcp_socket, server_hostname=self.url.host)
        )

    def _connect_tcp(self) -> socket.socket:
        """Return a connection to the first address that accepts one."""
        last_error = OSError()
        for tried_count, address in enumerate(self.addresses):
            # The addresses that are left share the time that is left.
            timeout = remaining_seconds(self.deadline) / (len(self.addresses) - tried_count)
            try:
                return socket.create_connection((str(address), self.url.port), timeout)
            except OSError as error:
                last_error = error

        raise last_error


@cache  # loading more than a hundred certificates is the slowest part of a check
def _tls_context(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
