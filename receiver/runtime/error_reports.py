"""Sends the log's errors to Sentry, without any value of a request.

Only what the log line has is sent, and where an exception was raised: no local variables, no
request, and no text of an exception, which may quote a transcript.
"""

import logging
from typing import TYPE_CHECKING, Any

from receiver.runtime.errors import ReceiverError

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event


class NotInstalledError(ReceiverError):
    """The package sentry-sdk isn't installed."""


def start(dsn: str, *, release: str, transport: "Transport | None" = None) -> None:
    """Send the errors of this process from now on; raises NotInstalledError.

    `transport` replaces Sentry's own, which sends over HTTP in a thread.
    """
    # The service doesn't need the package unless it is used.
    try:
        import sentry_sdk  # noqa: PLC0415
        from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
    except ImportError as error:
        raise NotInstalledError from error
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        transport=transport,
        # No integration with Flask: it would read the request. Personal data (`send_default_pii`, a
        # deprecated option, and `data_collection`) are off by default.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=_remove_texts,
    )


def _remove_texts(event: "Event", _hint: dict[str, Any]) -> "Event":
    """Remove the texts of exceptions; their classes and the lines of code stay."""
    for exception in event.get("exception", {}).get("values", ()):
        exception.pop("value", None)

    return event
