"""Servers of media on the loopback: honest, limited and hostile ones."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from receiver.preflight.address_policy import AddressPolicy

CERTIFICATE = Path(__file__).with_name("media.example.pem")
# Lets everything through, and finds every name on the loopback.
OPEN_POLICY = AddressPolicy(
    lookup=lambda _host, _port: ["127.0.0.1"],
    is_allowed=lambda _address: True,
    ca_file=str(CERTIFICATE),
)
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_PIECE = 65536


@dataclass
class Answer:
    """What a path is answered with: the body's first bytes, and its size where it has more."""

    head: bytes = b""
    size: int | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    takes_ranges: bool = True
    tells_size: bool = True

    @property
    def length(self) -> int:
        """Return the whole body's size."""
        return len(self.head) if self.size is None else self.size

    def part(self, start: int, end: int) -> bytes:
        """Return some of the body; beyond the first bytes there are zeros."""
        return self.head[start:end].ljust(min(end, self.length) - start, b"\0")


@dataclass
class Server:
    """A running server, and what it was asked."""

    port: int
    answers: dict[str, Answer]
    asked: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str = "/", *, host: str = "media.example", scheme: str = "http") -> str:
        """Return the address of a path."""
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

    httpd = _Quiet(("127.0.0.1", 0), Handler)
    server = Server(httpd.server_port, answers)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        httpd.socket = context.wrap_socket(
            httpd.socket, server_side=True, do_handshake_on_connect=False
        )
    with _running(httpd):
        yield server


@contextmanager
def serve_raw(speak: Callable[[Any], None]) -> Iterator[int]:
    """Run a server that does nothing but `speak`, given the connection; give its port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                speak(self.request)

    server = _Raw(("127.0.0.1", 0), Handler)
    with _running(server):
        yield server.server_address[1]


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients that go away early are what is tried here."""


class _Raw(ThreadingTCPServer):
    request_queue_size = 64


@contextmanager
def _running(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
        whole = answer.length if answer.tells_size else "*"
        handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{whole}")
    if status == 416:
        handler.send_header("Content-Range", f"bytes */{answer.length}")
        end = start
    if answer.tells_size:
        handler.send_header("Content-Length", str(end - start))
    handler.end_headers()
    for at in range(start, end, _PIECE):
        handler.wfile.write(answer.part(at, min(at + _PIECE, end)))
