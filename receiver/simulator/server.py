"""Serves the simulator over HTTP on loopback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from werkzeug.serving import WSGIRequestHandler, make_server

from receiver.simulator.app import create_app
from receiver.simulator.simulator import Simulator

_LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.01  # how soon the server notices that it should stop


class _SilentHandler(WSGIRequestHandler):
    """Logs no requests: the terminal shows the simulator's event log."""

    def log(self, *_: object) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class SimulatorServer:
    """A simulator that is served at `url`."""

    simulator: Simulator
    url: str


@contextmanager
def serve(simulator: Simulator, *, port: int = 0) -> Iterator[SimulatorServer]:
    """Serve the simulator until the block ends, then close it. Port 0 means any free port.

    Raises OSError if the port is not available.
    """
    with closing(simulator), socket.create_server((_LOOPBACK, port)) as listener:
        server = make_server(
            _LOOPBACK,
            port,
            create_app(simulator),
            threaded=True,
            request_handler=_SilentHandler,
            fd=listener.fileno(),
        )
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield SimulatorServer(simulator, f"http://{_LOOPBACK}:{server.port}")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
