"""Logs: one JSON object a line on stderr, gunicorn's own and the application's alike."""

import logging
from typing import Any


def configuration(level: str) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` of a process that logs from `level` up.

    What a caller passes as `extra=` becomes members of the object.
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
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": level, "handlers": ["stderr"]},
        # gunicorn gives this one a handler and a format of its own. Its access log is left without
        # any, and so stays silent: the application tells of each callback itself.
        "loggers": {"gunicorn.error": {"level": level, "handlers": [], "propagate": True}},
    }


def collect_less() -> None:
    """Spare what no line of ours tells: where it was logged, and by which thread.

    That is half of what a line costs, for a greenlet's thread is made up when it is asked for. See
    "Optimization" in Python's Logging HOWTO.
    """
    unread = dict.fromkeys(("logThreads", "logMultiprocessing", "logAsyncioTasks"), False)
    vars(logging).update(unread, _srcfile=None)
