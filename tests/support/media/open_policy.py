"""gunicorn's configuration with an address policy that allows loopback servers.

The lookup of a name under `slow.example` never ends, as with a name server that doesn't answer.
"""

import _socket
import _thread
import os
import runpy
from typing import Any

from tests.support.paths import ROOT

globals().update(runpy.run_path(str(ROOT / "gunicorn.conf.py")))
_post_worker_init = globals()["post_worker_init"]

# Replace the system's function, which gevent calls too.
_getaddrinfo: Any = _socket.getaddrinfo
_never_released = _thread.allocate_lock()
_never_released.acquire()


def _getaddrinfo_or_hang(host: Any, *args: Any, **kwargs: Any) -> Any:
    if "slow.example" in str(host):
        _never_released.acquire()

    return _getaddrinfo(host, *args, **kwargs)


vars(_socket)["getaddrinfo"] = _getaddrinfo_or_hang


def post_worker_init(worker: Any) -> None:
    """Allow every address, and check for as long as the test wants, without a download limit."""
    # Import late: gevent patches only what is imported after it has patched the worker.
    from receiver.preflight import (  # noqa: PLC0415
        check,
        check_throttled,
        deadline_socket,
        remote_file,
    )
    from receiver.preflight.address_policy import AddressPolicy  # noqa: PLC0415

    _post_worker_init(worker)
    vars(check)["AddressPolicy"] = lambda: AddressPolicy(is_allowed=lambda _address: True)
    check_throttled.TIMEOUT_SECONDS = float(os.environ["CHECK_SECONDS"])
    check_throttled.SLOT_TIMEOUT_SECONDS = check_throttled.TIMEOUT_SECONDS / 4
    for module in (remote_file, deadline_socket):
        vars(module)["MAX_DOWNLOAD_BYTES"] = 2**40
