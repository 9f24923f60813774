"""Chooses among several auth tokens: during a rotation, the settings have an old and a new one."""

import logging
from collections.abc import Iterator
from functools import cache

from receiver.settings.twilio_credentials import Credentials

logger = logging.getLogger(__name__)


class Logins:
    """The credentials for calls to Twilio; the ones that worked last are tried first."""

    def __init__(self, credentials: tuple[Credentials, ...]) -> None:
        self._credentials = credentials
        self._current = 0

    def __iter__(self) -> Iterator[Credentials]:
        """Yield all credentials, beginning with the current ones."""
        return iter(self._credentials[self._current :] + self._credentials[: self._current])

    def mark_working(self, credentials: Credentials) -> None:
        """Make these the current ones: Twilio didn't answer 401."""
        position = self._credentials.index(credentials)
        if position != self._current:
            logger.warning(
                "Twilio refused auth token %d of the account (401) and accepted token %d; remove "
                "the one that is no longer valid from TWILIO_AUTH_TOKEN",
                self._current + 1,
                position + 1,
            )
            self._current = position


@cache
def logins_of(credentials: tuple[Credentials, ...]) -> Logins:
    """Return the same object for the same credentials: clients are short-lived."""
    return Logins(credentials)
