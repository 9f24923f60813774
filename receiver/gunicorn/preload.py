"""Imports the application once, in gunicorn's master process, for all workers.

They share the memory of what is imported, and a new worker serves at once. Only modules are
shared: each worker makes its own application, with its connections and its id in the metrics.
"""

import gc
from contextlib import suppress
from importlib import import_module

from gevent import monkey


def patch() -> None:
    """Let gevent patch what modules take over when they are imported. A second call does nothing.

    gunicorn's master makes and watches processes itself: with gevent's functions for that, libev
    would take the signal of a worker's end, and the worker wouldn't be replaced.
    """
    monkey.patch_all(os=False, signal=False, subprocess=False)


def patch_processes() -> None:
    """Let gevent patch the rest, in a worker."""
    monkey.patch_os()
    monkey.patch_signal()
    monkey.patch_subprocess()


def preload(module: str) -> None:
    """Import a module for good: the garbage collector would write into its memory."""
    patch()
    gc.disable()
    with suppress(Exception):  # each worker imports it again, and gunicorn logs why it can't
        import_module(module)
    gc.freeze()
    gc.enable()
