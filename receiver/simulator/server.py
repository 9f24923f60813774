"""The simulator served over HTTP, on loopback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from werkzeug.serving import WSGIRequestHandler, make_server

from receiver.simulator.app import app_of
from receiver.simulator.simulator import Simulator

_LOOPBACK = "127.0.0.1"


class _Handler(WSGIRequestHandler):
    """Leaves the terminal to the journal."""

    def log(self, *_: object) -> None:
        """Tell nothing."""


@dataclass(frozen=True)
class Served:
    """A simulator that answers at `url`."""

    simulator: Simulator
    url: str


@contextmanager
def serve(simulator: Simulator, *, port: int = 0) -> Iterator[Served]:
    """Serve it until the block ends, and close it then; port 0 is any free one.

    Raises OSError where the port can't be had.
    """
    with closing(simulator), socket.create_server((_LOOPBACK, port)) as listener:
        server = make_server(
            _LOOPBACK,
            port,
            app_of(simulator),
            threaded=True,
            request_handler=_Handler,
            fd=listener.fileno(),
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield Served(simulator, f"http://{_LOOPBACK}:{server.port}")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
