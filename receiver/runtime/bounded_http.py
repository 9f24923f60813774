"""HTTP calls that end in time, and go to their URL only, for `requests`.

Its read timeout starts again with every byte, so a server that sends one byte at a time could keep
a call open forever. Here, the read timeout is for a whole response, from its first line to the end
of its body.
"""

import http.client
import io
import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from receiver.runtime.deadline import Deadline


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket's file until the deadline; then raises TimeoutError."""

    def __init__(self, connected: socket.socket, file: Any, deadline: Deadline) -> None:
        self._socket = connected
        self._file = file
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._deadline.remaining()
        if not seconds:
            raise TimeoutError
        self._socket.settimeout(seconds)

        size: int | None = self._file.readinto(buffer)

        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response with a deadline: urllib3 has set the socket's timeout to the read timeout."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        seconds = sock.gettimeout()
        if seconds is not None:
            file = self.fp.detach()
            self.fp = io.BufferedReader(_DeadlineReader(sock, file, Deadline(seconds)))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_bounded_pools(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        _use_bounded_pools(manager)

        return manager


def _use_bounded_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def bound_responses(session: requests.Session) -> None:
    """Make the read timeout of the session's requests the limit for a whole response."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())


class DirectSession(requests.Session):
    """A session whose responses are bounded, and which calls no other address than the URL's.

    It follows no redirect, and uses no proxy and no password file of the environment.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        bound_responses(self)

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - its signature
        """Return no target: `requests` would read a redirect's body without a limit."""
        return
