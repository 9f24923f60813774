"""A receiver of push: a real HTTP server with scripted answers, which verifies what it gets."""

import base64
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from receiver.settings.push_endpoints import PushEndpoint
from tests.support.server_thread import in_thread

SECRET = b"a secret of push with 32 bytes.."
CERTIFICATE = Path(__file__).with_name("loopback.example.pem")
_TRICKLE_SECONDS = 0.02


def whsec(secret: bytes) -> str:
    """Return the secret as settings and receivers write it."""
    return f"whsec_{base64.b64encode(secret).decode()}"


@dataclass(frozen=True)
class Reply:
    """How one request is answered."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False  # until the receiver is released
    drops: bool = False  # closes the connection without an answer
    trickles: str = ""  # the "head" or the "body" arrives byte by byte, and never ends
    forgets: bool = False  # doesn't keep what it accepts


@dataclass(frozen=True)
class Attempt:
    """A request whose signature was verified."""

    id: str
    path: str
    headers: dict[str, str]
    message: dict[str, Any]


@dataclass
class PushReceiver:
    """Gives the replies in turn, then 204. Keeps the newest state of each job, by `sequence`."""

    secrets: Sequence[bytes]  # each of them must verify
    url: str = ""
    replies: deque[Reply] = field(default_factory=deque)
    attempts: list[Attempt] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)  # of requests that don't verify
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def endpoint(self, name: str = "orders") -> PushEndpoint:
        """Return the settings of this endpoint."""
        return PushEndpoint(name, self.url, tuple(self.secrets))

    def environ(self, name: str = "orders") -> dict[str, str]:
        """Return the variables of a service that pushes to this receiver."""
        secrets = ",".join(f"{name}={whsec(secret)}" for secret in self.secrets)

        return {"PUSH_ENDPOINTS": f"{name}={self.url}", "PUSH_SECRETS": secrets}

    def wait_for(self, count: int, *, seconds: float = 30.0) -> list[Attempt]:
        """Wait until there are this many attempts, and return all."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.attempts) >= count, seconds)
            return list(self.attempts)

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Verify and record a request; return its reply."""
        try:
            for secret in self.secrets:
                message = Webhook(secret).verify(body, headers)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.errors.append(error)
            return Reply(401)
        with self.changed:
            reply = self.replies.popleft() if self.replies else Reply()
            self.attempts.append(Attempt(headers["webhook-id"], path, headers, message))
            if 200 <= reply.status < 300 and not (reply.forgets or reply.drops):
                self._keep(message)
            self.changed.notify_all()

        return reply

    def _keep(self, message: dict[str, Any]) -> None:
        kept = self.jobs.get(message["data"]["id"])
        if kept is None or message["sequence"] > kept["sequence"]:
            self.jobs[message["data"]["id"]] = message


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, receiver: PushReceiver) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.receiver = receiver

    def handle_error(self, *_: Any) -> None:
        """Log nothing: senders that disconnect early are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that connections stay open
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.receiver = self.server.receiver
        self.receiver.connections += 1

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # the sender was killed
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.receiver.receive(self.path, headers, body)
        if reply.hangs:
            self.receiver.released.wait()
        if reply.hangs or reply.drops:
            self.close_connection = True
            return
        with suppress(OSError):
            self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        if reply.trickles == "head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
            self._trickle()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", "9999" if reply.trickles else str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        if reply.trickles:
            self._trickle()

    def _trickle(self) -> None:
        self.close_connection = True
        while not self.receiver.released.wait(_TRICKLE_SECONDS):
            self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serve_push_receiver(
    *replies: Reply, secrets: Sequence[bytes] = (SECRET,), port: int = 0, tls: bool = False
) -> Iterator[PushReceiver]:
    """Listen on loopback until the block ends."""
    receiver = PushReceiver(secrets=secrets, replies=deque(replies))
    server = _Server(port, receiver)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/hook"
    with in_thread(server):
        try:
            yield receiver
        finally:
            receiver.released.set()
