"""Reports in the log how far a long backlog has been sent."""

import logging
import time

logger = logging.getLogger(__name__)

REPORT_SECONDS = 60.0


class ProgressReport:
    """Logs every `interval_seconds` at most how many changes an endpoint has got by then."""

    def __init__(self, endpoint: str, interval_seconds: float) -> None:
        """Begin now."""
        self._endpoint = endpoint
        self._interval_seconds = interval_seconds
        self._logged_at = time.monotonic()

    def update(self, delivered: int) -> None:
        """Log the number if it is time."""
        now = time.monotonic()
        if now >= self._logged_at + self._interval_seconds:
            self._logged_at = now
            fields = {"endpoint": self._endpoint, "delivered": delivered}
            logger.info("changes are being sent", extra=fields)
