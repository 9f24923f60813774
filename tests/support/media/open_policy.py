"""gunicorn's configuration, with a gate that lets a web process ask servers on the loopback.

Names under `slow.example` are those of a name server that never answers.
"""

import _socket
import _thread
import os
import runpy
from typing import Any

from tests.support.paths import ROOT

globals().update(runpy.run_path(str(ROOT / "gunicorn.conf.py")))
_serve_well = globals()["post_worker_init"]

# It is the system that doesn't answer, below whatever gevent makes of it.
_getaddrinfo: Any = _socket.getaddrinfo
_held_for_good = _thread.allocate_lock()
_held_for_good.acquire()


def _system(host: Any, *args: Any, **kwargs: Any) -> Any:
    if "slow.example" in str(host):
        _held_for_good.acquire()

    return _getaddrinfo(host, *args, **kwargs)


vars(_socket)["getaddrinfo"] = _system


def post_worker_init(worker: Any) -> None:
    """Open the gate, and look for as long as the test wants, however much there is."""
    # What is imported before gevent has patched the worker isn't patched.
    from receiver.preflight import (  # noqa: PLC0415
        check,
        check_throttled,
        deadline_socket,
        remote_file,
    )
    from receiver.preflight.address_policy import AddressPolicy  # noqa: PLC0415

    _serve_well(worker)
    vars(check)["AddressPolicy"] = lambda: AddressPolicy(is_allowed=lambda _address: True)
    check_throttled.TIMEOUT_SECONDS = float(os.environ["LOOK_SECONDS"])
    check_throttled.SLOT_TIMEOUT_SECONDS = check_throttled.TIMEOUT_SECONDS / 4
    for module in (remote_file, deadline_socket):
        vars(module)["MAX_DOWNLOAD_BYTES"] = 2**40
