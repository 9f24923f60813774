"""Stores Transcription Configurations (voice v2): three exist from the start."""

import threading
from datetime import datetime
from random import Random
from typing import Any

from receiver.simulator import ids
from receiver.simulator.clock import format_date_time
from receiver.simulator.errors import api_error

WITH_CONVERSATION = f"voice_transcriptionconfiguration_{'conversation':0>26}"
CALLBACK_ONLY = f"voice_transcriptionconfiguration_{'callbackonly':0>26}"
# The one in the examples of the documentation, so that they work here too.
DOCUMENTED = "voice_transcriptionconfiguration_5pe8jw3ahdmsh7zr06yh4d45x1"
CONVERSATION_CONFIGURATION = f"conv_configuration_{'simulated':0>26}"

_MAX_COUNT = 1000
_DEFAULT_PARTICIPANTS = [
    {"audioChannelIndex": 1, "type": "CUSTOMER"},
    {"audioChannelIndex": 2, "type": "HUMAN_AGENT"},
]


class ConfigurationStore:
    """Stores each configuration under its id and its unique name; thread-safe."""

    def __init__(self, account_sid: str, *, callback_url: str, seed: int, now: datetime) -> None:
        self._account_sid = account_sid
        self._random = Random(f"{seed}:configurations")  # noqa: S311 - no secret
        self._by_name: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        callback = {"transcriptionStatusCallback": {"url": callback_url, "method": "POST"}}
        conversation = {"conversationConfigurationId": CONVERSATION_CONFIGURATION}
        self._add(WITH_CONVERSATION, "conversation", {**callback, **conversation}, now)
        self._add(DOCUMENTED, "documented", {**callback, **conversation}, now)
        self._add(CALLBACK_ONLY, "callback-only", callback, now)

    def find(self, name: str) -> dict[str, Any] | None:
        """Return the configuration with this id or unique name."""
        with self._lock:
            return self._by_name.get(name)

    def create(self, document: Any, now: datetime) -> dict[str, Any]:
        """Create a configuration and return it; raises ApiError."""
        request = document if isinstance(document, dict) else {}
        name, given = request.get("unique_name"), _validated(request.get("configuration"))
        with self._lock:
            if isinstance(name, str) and name in self._by_name:
                raise api_error(20001, "unique_name is already used by another configuration.")
            if len(self._by_name) >= _MAX_COUNT:
                raise api_error(20001, "There are too many configurations.")
            configuration_id = ids.configuration_id(self._random)

        return self._add(configuration_id, name, given, now)

    def _add(
        self, configuration_id: str, name: Any, given: dict[str, Any], now: datetime
    ) -> dict[str, Any]:
        configuration = {
            "id": configuration_id,
            "account_sid": self._account_sid,
            "unique_name": name,
            "description": None,
            "date_created": format_date_time(now),
            "date_updated": format_date_time(now),
            "configuration": {
                "configurationType": "Transcription",
                "transcriptionEngine": "deepgram",
                "speechModel": "nova-3",
                "language": "en-US",
                "transcriptionStatusCallback": None,
                "conversationConfigurationId": None,
                "participantDefaults": _DEFAULT_PARTICIPANTS,
                **given,
            },
        }
        with self._lock:
            self._by_name[configuration_id] = configuration
            if isinstance(name, str):
                self._by_name[name] = configuration

        return configuration


def _validated(given: Any) -> dict[str, Any]:
    """Return the configuration as it is given if it is valid; raises ApiError.

    It needs a callback, a conversation to store the transcript in, or both.
    """
    if not isinstance(given, dict):
        raise api_error(20001, "configuration must be an object.")
    callback = given.get("transcriptionStatusCallback")
    if not (callback or given.get("conversationConfigurationId")):
        raise api_error(
            20001, "transcriptionStatusCallback or conversationConfigurationId is required."
        )
    if callback and not (isinstance(callback, dict) and isinstance(callback.get("url"), str)):
        raise api_error(20001, "transcriptionStatusCallback must have a url.")
    if callback and callback.setdefault("method", "POST") != "POST":
        raise api_error(20001, "transcriptionStatusCallback.method must be POST.")
    if sorted(_channels(given.get("participantDefaults", _DEFAULT_PARTICIPANTS))) != [1, 2]:
        raise api_error(20001, "participantDefaults must map channel 1 and channel 2.")

    return given


def _channels(defaults: Any) -> list[int]:
    people = defaults if isinstance(defaults, list) else []

    return [
        person["audioChannelIndex"]
        for person in people
        if isinstance(person, dict) and person.get("audioChannelIndex") in {1, 2}
    ]


def resolve_configuration(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration as it appears in a job's `resolvedConfiguration`."""
    resolved = {
        name: value
        for name, value in configuration["configuration"].items()
        if name != "configurationType"
    }
    callback = resolved["transcriptionStatusCallback"]
    resolved["transcriptionStatusCallback"] = callback and {"events": None, **callback}

    return resolved
