"""Limits the log lines that anybody can cause, so that a flood of requests doesn't fill the log."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from logging import Logger
from typing import Any

MAX_LINES = 100  # of one message, in one window
WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class _Window:
    ends_at: float  # monotonic
    count: int = 0
    unlogged: int = 0


class LineLimiter:
    """The lines of one process.

    Each message has a limit of its own, so it must be a constant. The field `unlogged` counts the
    lines with the same message that were left out before.
    """

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def log(
        self, logger: Logger, level: int, message: str, *args: Any, extra: Mapping[str, Any]
    ) -> None:
        """Log the line with the logger, unless the limit of its message is reached."""
        now = time.monotonic()
        window = self._windows.get(message)
        if window is None or now >= window.ends_at:
            unlogged = window.unlogged if window else 0
            window = self._windows[message] = _Window(now + WINDOW_SECONDS, unlogged=unlogged)
        if window.count >= MAX_LINES:
            window.unlogged += 1
            return
        window.count += 1
        left_out = {"unlogged": window.unlogged} if window.unlogged else {}
        window.unlogged = 0
        logger.log(level, message, *args, extra={**extra, **left_out})
