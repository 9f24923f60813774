"""Logs: one JSON object per line on stderr, for gunicorn and the application."""

import logging
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from receiver.runtime.lossy_output import MAX_LINE_BYTES
from receiver.runtime.request_id import RequestIdFilter

_CUT = "[…]"
_MIN_CUT_CHARACTERS = 100  # cutting shorter texts would gain nothing


def log_config(level: str) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` for a process that logs `level` and above.

    The members of a caller's `extra=` become members of the object.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": BoundedJsonFormatter,
                "fmt": ["levelname", "name", "process", "message"],
                "rename_fields": {"levelname": "level", "name": "logger"},
                "timestamp": "at",
            }
        },
        "filters": {"request_id": {"()": RequestIdFilter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["request_id"],
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        # gunicorn adds its own handler and format to this logger. Its access log gets none, so it
        # stays silent: the application logs each callback itself.
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            # It would log URLs and headers, which may contain secrets.
            "urllib3": {"level": "CRITICAL"},
        },
    }


def disable_unused_lookups() -> None:
    """Disable caller and thread lookup: our format prints neither.

    They are half of what a log line costs, as a greenlet's thread object is made at each lookup.
    See "Optimization" in Python's Logging HOWTO.
    """
    unused = dict.fromkeys(("logThreads", "logMultiprocessing", "logAsyncioTasks"), False)
    vars(logging).update(unused, _srcfile=None)


class BoundedJsonFormatter(JsonFormatter):
    """Makes lines of at most MAX_LINE_BYTES: the longest values are cut, a traceback in front."""

    def serialize_log_record(self, log_data: dict[str, Any]) -> str:
        """Return the line, without its end."""
        line: str = super().serialize_log_record(log_data)
        while (excess := len(line) + 1 - MAX_LINE_BYTES) > 0:
            texts = {name: text for name, text in log_data.items() if isinstance(text, str)}
            longest = max(texts, key=lambda name: len(texts[name]))
            if len(texts[longest]) < _MIN_CUT_CHARACTERS:
                break
            log_data[longest] = _shorten(texts[longest], excess, keeps_end=longest == "exc_info")
            line = super().serialize_log_record(log_data)

        return line


def _shorten(text: str, excess: int, *, keeps_end: bool) -> str:
    """Remove at least `excess` characters, but at most about half of the text."""
    length = max(len(text) - excess - len(_CUT), len(text) // 2)

    return _CUT + text[-length:] if keeps_end else text[:length] + _CUT
