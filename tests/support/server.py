"""The service under gunicorn, as the Procfile starts it."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from dev.process import Child
from tests.support import signing
from tests.support.environment import ENVIRON, KEY, ROUTE, TOKEN
from tests.support.paths import ROOT
from tests.support.raw_requests import raw_head

# Twilio's default timeout for an answer.
TIMEOUT_SECONDS = 15
NO_OPTIONS: Mapping[str, float] = {}
# The tests' connections end with their answers.
CONNECTION_CLOSE = {"Connection": "close"}


def free_port() -> int:
    """Return a loopback port that no server listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]

        return port


@dataclass
class WebServer:
    """A running `web` process, and the requests to it."""

    port: int
    child: Child
    log: Path
    bind: str

    @property
    def url(self) -> str:
        """The server's origin, which is also its PUBLIC_URL."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, body: bytes, *, headers: dict[str, str] | None = None) -> requests.Response:
        """Deliver a signed body as Twilio does."""
        url, signed = signing.callback(f"{self.url}{ROUTE}", TOKEN, body)

        return requests.post(
            url,
            data=body,
            headers=signed | CONNECTION_CLOSE | (headers or {}),
            timeout=TIMEOUT_SECONDS,
        )

    def get(self, path: str) -> requests.Response:
        """Send a GET request with the API key."""
        return requests.get(
            f"{self.url}{path}", auth=KEY, headers=CONNECTION_CLOSE, timeout=TIMEOUT_SECONDS
        )

    def head_of_call(
        self, body: bytes, *, length: str | None = None, target: str = "", route: str = ROUTE
    ) -> bytes:
        """Return the raw head of a signed request; `length` replaces its Content-Length header."""
        url, headers = signing.callback(f"{self.url}{route}", TOKEN, body)
        headers |= {"Host": f"127.0.0.1:{self.port}"}

        return raw_head(f"{target}{url.removeprefix(self.url)}", headers, body, length=length)

    def connect(self) -> socket.socket:
        """Return a raw connection to the server."""
        if self.bind.startswith("unix:"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(TIMEOUT_SECONDS)
            try:
                connection.connect(self.bind.removeprefix("unix:"))
            except OSError:
                connection.close()
                raise
            return connection
        host, _, port = self.bind.rpartition(":")

        return socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_SECONDS)

    def terminate(self) -> None:
        """Send SIGTERM, as the platform does."""
        self.child.process.send_signal(signal.SIGTERM)


@contextmanager
def web_server(
    database: str,
    log: Path,
    options: Mapping[str, float] = NO_OPTIONS,
    folder: Path = ROOT,
    /,
    *,
    prefix: Sequence[str] = (),
    **settings: str,
) -> Iterator[WebServer]:
    """Run the service on the database until the block ends.

    The options are keyword arguments of `create_app`: shorter times than a deployment's. The prefix
    is a command that executes its arguments. The code is in `folder`.
    """
    port = int(settings.get("PORT") or free_port())
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **ENVIRON,
        "DATABASE_URL": database,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "BIND": f"127.0.0.1:{port}",
        **settings,
    }
    arguments = ", ".join(f"{name}={value}" for name, value in options.items())
    with log.open("wb") as output:
        child = Child(
            [*prefix, Path(sys.executable).with_name("gunicorn"), f"app:create_app({arguments})"],
            stop_signal=signal.SIGTERM,
            env=environ,
            cwd=folder,
            output=output,
        )
    server = WebServer(port, child, log, environ["BIND"])
    try:
        _wait_until_ready(server)
        yield server
    finally:
        child.stop(timeout_seconds=20)


def _wait_until_ready(server: WebServer) -> None:
    request = f"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
    deadline = time.monotonic() + 30
    while True:
        try:
            with server.connect() as connection:
                connection.sendall(request)
                if connection.recv(65536):
                    return
        except OSError:
            assert server.child.process.poll() is None, server.log.read_text()
        assert time.monotonic() < deadline, server.log.read_text()


def read_response(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part

    return received
