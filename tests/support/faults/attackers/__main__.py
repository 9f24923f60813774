"""Runs clients until SIGTERM, then prints their answers: arguments are name, port, count, options.

The options are a JSON object, the keyword arguments of the function with this name.
"""

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import gevent

from tests.support.faults.attackers import bodies, callbacks, heads, requests, waits
from tests.support.faults.attackers.clients import Clients

_MODULES = (bodies, heads, requests, callbacks, waits)


def _attack_of(name: str) -> Callable[..., None]:
    [attack] = [vars(module)[name] for module in _MODULES if name in vars(module)]

    return attack  # type: ignore[no-any-return]


def main(name: str, port: str, count: str, options: str) -> None:
    """Run the clients."""
    clients = Clients(int(port), int(count))
    arguments: dict[str, Any] = json.loads(options)
    running = gevent.spawn(_attack_of(name), clients, **arguments)
    gevent.signal_handler(signal.SIGTERM, running.kill)
    sys.stdout.write("started\n")
    sys.stdout.flush()
    running.join()
    sys.stdout.write(json.dumps(clients.answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
