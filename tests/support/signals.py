"""The effect of signals on the tests, for every way to start them and in every process."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from typing import NoReturn

import psutil
import pytest


def pytest_configure() -> None:
    """Let SIGTERM end the tests as Ctrl-C does: servers are stopped and their folders removed."""
    signal.signal(signal.SIGTERM, _handle_sigterm)


def _handle_sigterm(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # The processes of pytest-xdist have their own servers; all other children may end as well.
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()

    raise KeyboardInterrupt


@pytest.fixture(scope="session", autouse=True)
def _interruptible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let SIGINT interrupt as in a terminal: a script's `&` ignores it, also in children.

    After a SIGTERM, remove the files of the tests: no one needs them.
    """
    previous_handler = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous_handler)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:  # SIGTERM arrived
        shutil.rmtree(tmp_path_factory.getbasetemp(), ignore_errors=True)
