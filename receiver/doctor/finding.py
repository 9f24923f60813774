"""Findings: what the doctor says about one thing, and the bounded look at the database it takes."""

import enum
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from receiver.runtime.errors import ReceiverError, describe

# In seconds, for a question to the database that takes milliseconds when all is well.
PATIENCE = 10.0

Answer = TypeVar("Answer")


class Verdict(enum.StrEnum):
    """How bad it is: a warning costs something some day, a failure costs callbacks now."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` is an imperative sentence, empty where all is well."""

    verdict: Verdict
    text: str
    remedy: str = ""


class NoAnswerError(ReceiverError):
    """The database gave none; the message says why and holds no value of ours."""


def patiently(work: Callable[[], Answer]) -> Answer:
    """Return what `work` gets from the database, or raise NoAnswerError after PATIENCE at most.

    Without gevent psycopg waits in C, for as long as a frozen server keeps its socket alive; so
    it waits in a thread that nobody waits for.
    """
    answer: Future[Answer] = Future()

    def _work() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised below
            answer.set_exception(error)

    Thread(target=_work, daemon=True).start()
    try:
        return answer.result(PATIENCE)
    except TimeoutError:
        raise NoAnswerError(f"no answer within {PATIENCE:g} s") from None
    except SQLAlchemyError as error:
        raise NoAnswerError(describe(error)) from error
