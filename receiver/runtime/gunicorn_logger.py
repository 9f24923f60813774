"""gunicorn's logger without an access log: the application tells of each callback by itself."""

from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class GunicornLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Collects nothing of a request, which gunicorn does where logging is configured at all."""

    def access(self, *_: Any) -> None:
        """Do nothing."""
