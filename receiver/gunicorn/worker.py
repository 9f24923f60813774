"""gunicorn's worker: gevent's, with limits for each connection, and a quick end at SIGTERM.

It overrides only what gunicorn means to be overridden: gevent's patches, the loading of the
application, the main loop, the handler of a connection and of a request, the time limit for a head,
and the handler of SIGTERM.
"""

import gc
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.local import local
from gevent.pool import Pool
from gevent.socket import socket as GeventSocket  # noqa: N812 - it is a class
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    InvalidChunkExtension,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from receiver.gunicorn import preload, unread_body
from receiver.gunicorn.connection import Connection
from receiver.gunicorn.listener import Listener
from receiver.runtime.shutdown import SHUTDOWN

HEARTBEAT_SECONDS = 1.0
# How soon a worker without room for a connection looks for one that it can close.
ROOM_CHECK_SECONDS = 0.1
# Twilio waits 15 seconds for the whole answer, and sends a head at once.
HEAD_TIMEOUT_SECONDS = 10.0
# The fields that may follow a chunked body. Twilio sends none, and nothing reads them. gunicorn
# would scan up to 800 kB of them without a switch, again for each 8 kB.
MAX_TRAILER_BYTES = 8 * 1024
# Errors of a malformed request whose texts are gunicorn's or ours, not the client's.
_OWN_TEXTS = (InvalidChunkExtension, LimitRequestHeaders, LimitRequestLine)
_LEFT_OUT = "[...]"
# Longer than one round of the event loop.
_ROUND_SECONDS = 0.05


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves each connection in a greenlet."""

    def init_process(self) -> None:
        """Serve until the process ends."""
        self._stopping = Event()
        self._connections = Pool(self.worker_connections)
        self._current = local()  # what belongs to the current greenlet's connection
        # Connections that wait for a request or read its head, longest first.
        self._waiting: dict[Connection, None] = {}
        # Connections whose clients are slow to receive a response, longest first.
        self._sending: dict[Connection, None] = {}
        self._requests: set[Any] = set()  # in progress
        # gunicorn looks up some 25 settings for each request, each by two calls. As attributes of
        # their own they need none. They don't change in a worker.
        self.cfg.__dict__.update({name: each.get() for name, each in self.cfg.settings.items()})
        # Until gunicorn does this, some 50 ms later, SIGTERM would go to the inherited handler of
        # the master, which does nothing in a worker.
        signal.signal(signal.SIGTERM, self.handle_exit)
        super().init_process()

    def patch(self) -> None:
        """Let gevent patch what the master process didn't, and the listening sockets."""
        preload.patch()
        preload.patch_processes()
        self.sockets: list[Any] = [
            GeventSocket(each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach())
            for each in self.sockets
        ]

    def load_wsgi(self) -> None:
        """Load the application without the garbage collector, which takes a tenth of this time.

        What is loaded stays for as long as the process. So it is never collected either: looking
        through it would stop all requests for some 30 ms.
        """
        gc.disable()
        super().load_wsgi()
        gc.freeze()
        gc.enable()

    def run(self) -> None:
        """Serve until SIGTERM, then finish."""
        listeners = []
        for sock in self.sockets:
            sock.setblocking(1)
            listener = Listener(sock, partial(self.handle, sock), spawn=self._connections)
            listener.start()
            listeners.append(listener)
        room = gevent.spawn(self._keep_room)
        while self.alive:
            self.notify()
            self._stopping.wait(HEARTBEAT_SECONDS)
        room.kill()
        for listener in listeners:
            listener.close()
        self._finish()

    def _finish(self) -> None:
        """Close the idle connections, and wait for the requests in progress."""
        for request in self._requests:
            request.force_close()  # the response says so: `Connection: close`
        # A request that has arrived already ends the idleness of its connection.
        gevent.sleep(_ROUND_SECONDS)
        for connection in [each for each in self._waiting if each.is_idle]:
            connection.end_input()
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while len(self._connections) and time.monotonic() < deadline:
            self.notify()
            self._connections.join(HEARTBEAT_SECONDS)
        if len(self._connections):
            self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
            self._connections.kill(timeout=HEARTBEAT_SECONDS)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Handle SIGTERM."""
        super().handle_exit(sig, frame)
        SHUTDOWN.begin()
        self._stopping.set()

    def handle(self, listener: Any, client: Connection, addr: Any) -> None:
        """Serve the requests of one connection."""
        self._current.connection = client
        self._current.is_new = True
        client.sending = self._sending
        if self._connections.full():
            self._make_room()
        super().handle(listener, client, addr)

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Limit the block, in which gunicorn waits for the next request and reads its head."""
        connection, is_new = self._current.connection, self._current.is_new
        self._current.is_new = False
        if not is_new:
            # A client whose next request has always arrived already must not be the only one that
            # is served: reading it wouldn't switch to other connections.
            gevent.sleep(0)
            if not self.alive or self._connections.full():
                connection.end_input()
        self._waiting[connection] = None
        idle_seconds = HEAD_TIMEOUT_SECONDS if is_new else self.cfg.keepalive
        try:
            with connection.receive_head(
                idle_seconds=idle_seconds, head_seconds=HEAD_TIMEOUT_SECONDS
            ):
                yield
        finally:
            self._waiting.pop(connection, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Connection, addr: Any) -> None:
        """Serve one request, and what is left of its body."""
        if hasattr(req.body.reader, "limit_trailer_section"):  # a chunked body
            req.body.reader.limit_trailer_section = MAX_TRAILER_BYTES
        if self._connections.full():
            # Requests that have arrived already would occupy the connection for any time.
            req.force_close()
        self._requests.add(req)
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            self._requests.discard(req)
            unread_body.finish(req.body)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that can't be read, and log it without a text of the client.

        The text may be a sentence: if the Content-Length of a callback is too small, the rest of
        its body is read as the next request. And it may be a key.
        """
        if isinstance(exc, ParseException) and not isinstance(exc, _OWN_TEXTS):
            for name, value in vars(exc).items():
                if isinstance(value, str | bytes):
                    setattr(exc, name, _LEFT_OUT)
        super().handle_error(req, client, addr, exc)

    def _keep_room(self) -> None:
        """Make room if there is none: while there is none, no connection is accepted."""
        while True:
            gevent.sleep(ROOM_CHECK_SECONDS)
            if self._connections.full():
                self._make_room()

    def _make_room(self) -> None:
        """Close one connection: the longest idle one, else the slowest receiver, else a head."""
        idle = next((each for each in self._waiting if each.is_idle), None)
        if idle is None and self._sending:
            slowest = next(iter(self._sending))
            del self._sending[slowest]
            slowest.abort()
        elif oldest := idle or next(iter(self._waiting), None):
            del self._waiting[oldest]
            oldest.end_input()
