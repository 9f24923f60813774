"""gunicorn's logger without an access log: the application logs each callback itself."""

from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class GunicornLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Collects no request data, which gunicorn does as soon as any logging is configured."""

    def access(self, *_: Any) -> None:
        """Do nothing."""
