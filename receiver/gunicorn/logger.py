"""gunicorn's logger without an access log: the application logs each callback itself."""

import logging
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from receiver.runtime.line_limiter import LineLimiter


class GunicornLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Collects no request data, which gunicorn does as soon as any logging is configured."""

    def __init__(self, cfg: Any) -> None:
        super().__init__(cfg)
        self._warnings = LineLimiter()

    def access(self, *_: Any) -> None:
        """Do nothing."""

    def warning(self, msg: str, *args: Any, **_: Any) -> None:
        """Log a warning, unless there are too many: one follows from each malformed request."""
        text = msg % args if args else msg
        self._warnings.log(self.error_log, logging.WARNING, "%s", text, extra={})
