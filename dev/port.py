"""The port of `make run`, checked before anything is installed or started: `python -m dev.port`.

The standard library alone is there at that time.
"""

import socket
import sys

from dev.dotenv import setting


def free_port() -> int:
    """Return the port that `PORT` names, 8000 by default; exit with a hint if it is taken."""
    text = setting("PORT") or "8000"
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < port < 2**16:
        sys.exit(f"Error: PORT={text} isn't a port. Take one from 1 to 65535: PORT=8001 make run")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            other = next(number for number in (8001, 8002) if number != port)
            sys.exit(f"Error: port {port}: {error.strerror}. Take another: PORT={other} make run")

    return port


if __name__ == "__main__":
    free_port()
