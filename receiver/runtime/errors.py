"""Safe error descriptions for the log: an error's own text may quote what Twilio sent."""

import traceback
from pathlib import Path
from types import TracebackType

# The project's folder contains the files of our own code, and sometimes libraries in a virtual
# environment.
_ROOT = Path(__file__).parents[2]
_OWN_FOLDERS = tuple(str(_ROOT / name) for name in ("app.py", "receiver", "schemas"))


class ReceiverError(Exception):
    """The base of the service's own errors."""


class SafeMessageError(ReceiverError):
    """An error with a message that the service wrote itself, so the message may be logged."""


def describe(error: BaseException) -> str:
    """Return the error's class, with the SQLSTATE of a Postgres error; or its text if it is safe.

    For a failed connection, return the driver's text: it names the host and the cause. It can't
    quote values, because no statement was sent yet. For a failed system call, return the system's
    text, such as "No space left on device".
    """
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, SafeMessageError):
        return str(cause)
    if isinstance(cause, OSError) and cause.strerror:
        return f"{type(cause).__name__}: {cause.strerror}"
    if cause is not error and getattr(error, "statement", "") is None:
        return " ".join(str(cause).split())
    state = getattr(cause, "sqlstate", None)

    return f"{type(cause).__name__} {state}" if state else type(cause).__name__


def locate(error: BaseException) -> str:
    """Return the error's description and where it was raised, or its text if that is safe.

    If a library raised it, the last line of our own code in the traceback is named too.
    """
    if isinstance(error, SafeMessageError):
        return str(error)

    return describe(error) + _place(error.__traceback__)


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    if not frames:
        return ""
    own = [frame for frame in frames if frame.filename.startswith(_OWN_FOLDERS)]
    last = frames[-1]
    place = f" in {last.filename}:{last.lineno}"
    if not own or own[-1] is last:
        return place

    return f"{place}, called in {own[-1].filename}:{own[-1].lineno}"
