"""Naming an error for the log: its own text may quote what Twilio sent, and so stays out."""

import traceback


class ReceiverError(Exception):
    """The base of the service's own errors."""


class SafeMessageError(ReceiverError):
    """An error whose message is the service's own, so that it may be logged."""


def describe(error: BaseException) -> str:
    """Return the error's class, with the SQLSTATE if it is Postgres's.

    Of a connection that could not be made the driver's own text is returned: it tells which host
    refused and why, and there is no statement yet whose values it could quote. Of what the system
    refused it is the system's text: that there is no space left, say.
    """
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError) and cause.strerror:
        return f"{type(cause).__name__}: {cause.strerror}"
    if cause is not error and getattr(error, "statement", "") is None:
        return " ".join(str(cause).split())
    state = getattr(cause, "sqlstate", None)

    return f"{type(cause).__name__} {state}" if state else type(cause).__name__


def locate(error: BaseException) -> str:
    """Return the error's kind and where it was raised, if it was; or its text, if that is ours."""
    if isinstance(error, SafeMessageError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].filename}:{frames[-1].lineno}" if frames else ""

    return describe(error) + place
