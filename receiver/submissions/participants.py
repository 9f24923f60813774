"""Checks that a transcript in a conversation will have its participants."""

from collections.abc import Callable, Mapping
from typing import Any

from receiver.twilio.client import (
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)


def participants_fault(
    request: Mapping[str, Any], has_conversation: Callable[[str], bool]
) -> dict[str, str] | None:
    """Return the fault of a request that lacks required participants, None if it has no such fault.

    For its own Recordings, Twilio knows who speaks. For a mediaUrl it requires participants if the
    configuration stores the transcript into a conversation. `has_conversation` answers that for a
    configuration's id, and is called only if it is needed.
    """
    if not request.get("media_url") or request.get("participants"):
        return None
    if not has_conversation(request["configuration_id"]):
        return None

    return {
        "detail": "Must be given for a mediaUrl: the configuration stores the transcript into a "
        "conversation.",
        "pointer": "/participants",
    }


def stores_into_conversation(
    twilio: Twilio, configuration_id: str, *, timeout_seconds: float | None = None
) -> bool:
    """Return whether the configuration's transcripts are stored into a conversation.

    False too if Twilio doesn't answer: it checks the request itself when it is submitted.
    """
    try:
        response = twilio.configuration(configuration_id, timeout_seconds=timeout_seconds)
    except (TwilioRefusedError, TwilioBusyError, TwilioUnavailableError):
        return False
    configuration = response.document.get("configuration")

    return isinstance(configuration, dict) and bool(
        configuration.get("conversationConfigurationId")
    )
