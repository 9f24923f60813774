"""Checks the port of `make run` before anything is installed or started: `python -m dev.port`.

Only the standard library is installed at that time.
"""

import socket
import sys

from dev.dotenv import setting


def require_free_port() -> int:
    """Return PORT, 8000 by default; exit with a hint if it is invalid or in use."""
    text = setting("PORT") or "8000"
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < port < 2**16:
        sys.exit(f"Error: PORT={text} is not a port (1 to 65535). Example: PORT=8001 make run")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # like gunicorn
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            other = next(number for number in (8001, 8002) if number != port)
            sys.exit(
                f"Error: port {port}: {error.strerror}. Use another port: PORT={other} make run"
            )

    return port


if __name__ == "__main__":
    require_free_port()
