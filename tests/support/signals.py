"""What a signal to the tests does, however they were started, and to whichever process it comes."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from typing import NoReturn

import psutil
import pytest


def pytest_configure() -> None:
    """Let SIGTERM end the tests as Ctrl-C does: servers are stopped and their folders removed."""
    signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # The processes of pytest-xdist have servers of their own; others of our children do no harm
    # by ending, too.
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()

    raise KeyboardInterrupt


@pytest.fixture(scope="session", autouse=True)
def _interruptible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let SIGINT interrupt, as at a terminal: a script's `&` has it ignored, by children too.

    After a SIGTERM remove what the tests wrote: nobody looks at it.
    """
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:  # it came
        shutil.rmtree(tmp_path_factory.getbasetemp(), ignore_errors=True)
