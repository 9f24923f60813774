"""Media servers on loopback: correct, limited and hostile ones."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from receiver.preflight.address_policy import AddressPolicy
from tests.support.server_thread import in_thread

CERTIFICATE = Path(__file__).with_name("media.example.pem")
# Allows every address, and resolves every name to the loopback.
OPEN_POLICY = AddressPolicy(
    lookup=lambda _host, _port: ["127.0.0.1"],
    is_allowed=lambda _address: True,
    ca_file=str(CERTIFICATE),
)
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_CHUNK_BYTES = 65536


@dataclass
class Answer:
    """The response for a path: the body's first bytes, and its size if it has more."""

    head: bytes = b""
    size: int | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    takes_ranges: bool = True
    sends_size: bool = True

    @property
    def length(self) -> int:
        """The size of the whole body."""
        return len(self.head) if self.size is None else self.size

    def part(self, start: int, end: int) -> bytes:
        """Return _body_part of the body; after the first bytes it contains zeros."""
        return self.head[start:end].ljust(min(end, self.length) - start, b"\0")


@dataclass
class Server:
    """A running server, and the requests it received."""

    port: int
    answers: dict[str, Answer]
    asked: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str = "/", *, host: str = "media.example", scheme: str = "http") -> str:
        """Return the URL of a path."""
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(answers: dict[str, Answer], *, tls: bool = False) -> Iterator[Server]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append({"path": self.path, **self.headers})
            with suppress(OSError):
                _answer(self, answers[self.path])

        def log_message(self, *_: Any) -> None:
            pass

    httpd = _QuietServer(("127.0.0.1", 0), Handler)
    server = Server(httpd.server_port, answers)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        httpd.socket = context.wrap_socket(
            httpd.socket, server_side=True, do_handshake_on_connect=False
        )
    with in_thread(httpd):
        yield server


@contextmanager
def serve_raw(respond: Callable[[Any], None]) -> Iterator[int]:
    """Run a server that calls `respond` with each connection; yield its port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                respond(self.request)

    server = _RawServer(("127.0.0.1", 0), Handler)
    with in_thread(server):
        yield server.server_address[1]


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Log nothing: clients that disconnect early are part of the tests."""


class _RawServer(ThreadingTCPServer):
    request_queue_size = 64


def _answer(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    start, end, status = 0, answer.length, answer.status
    asked = _RANGE.fullmatch(handler.headers.get("Range", ""))
    if asked and answer.takes_ranges and status == 200:
        start, end = int(asked[1]), min(int(asked[2]) + 1, answer.length)
        status = 206 if start < end else 416
    handler.send_response(status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    if status == 206:
        total_size = answer.length if answer.sends_size else "*"
        handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{total_size}")
    if status == 416:
        handler.send_header("Content-Range", f"bytes */{answer.length}")
        end = start
    if answer.sends_size:
        handler.send_header("Content-Length", str(end - start))
    handler.end_headers()
    for offset in range(start, end, _CHUNK_BYTES):
        handler.wfile.write(answer.part(offset, min(offset + _CHUNK_BYTES, end)))
