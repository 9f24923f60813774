"""Logs: one JSON object per line on stderr, for gunicorn and the application."""

import logging
from typing import Any

from receiver.runtime.request_id import RequestIdFilter


def log_config(level: str) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` for a process that logs `level` and above.

    The members of a caller's `extra=` become members of the object.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
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
        "loggers": {"gunicorn.error": {"level": level, "handlers": [], "propagate": True}},
    }


def disable_unused_lookups() -> None:
    """Disable caller and thread lookup: our format prints neither.

    They are half of what a log line costs, as a greenlet's thread object is made at each lookup.
    See "Optimization" in Python's Logging HOWTO.
    """
    unused = dict.fromkeys(("logThreads", "logMultiprocessing", "logAsyncioTasks"), False)
    vars(logging).update(unused, _srcfile=None)
