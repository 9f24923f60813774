"""Tests of how a worker loads the application."""

import gc
from types import SimpleNamespace

from receiver.gunicorn.worker import Worker


def test_application_is_never_collected() -> None:
    """The garbage collector is off while the application is loaded, and ignores it from then on."""
    worker = Worker.__new__(Worker)  # without the sockets and signals of a server
    worker.app = SimpleNamespace(wsgi=gc.isenabled)
    try:
        worker.load_wsgi()
        assert not worker.wsgi
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
