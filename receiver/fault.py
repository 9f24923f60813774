"""Naming an error for the log: its own text may quote what Twilio sent, and so stays out."""

import traceback


def kind_of(error: BaseException) -> str:
    """Return the error's class, with the SQLSTATE if it is Postgres's."""
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None)

    return f"{type(cause).__name__} {state}" if state else type(cause).__name__


def place_of(error: BaseException) -> str:
    """Return the error's kind and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)

    return f"{kind_of(error)} in {frames[-1].filename}:{frames[-1].lineno}"
