"""Transcription Configurations (voice v2): two are there from the start, more can be made."""

import threading
from datetime import datetime
from random import Random
from typing import Any

from receiver.simulator import ids
from receiver.simulator.clock import stamp
from receiver.simulator.problem import refusal

WITH_CONVERSATION = f"voice_transcriptionconfiguration_{'conversation':0>26}"
CALLBACK_ONLY = f"voice_transcriptionconfiguration_{'callbackonly':0>26}"
CONVERSATION_CONFIGURATION = f"conv_configuration_{'simulated':0>26}"

_MOST = 1000
_DEFAULTS = [
    {"audioChannelIndex": 1, "type": "CUSTOMER"},
    {"audioChannelIndex": 2, "type": "HUMAN_AGENT"},
]


class Configurations:
    """Twilio's store of them, each under its id and its unique name."""

    def __init__(self, account_sid: str, *, callback_url: str, seed: int, now: datetime) -> None:
        self._account_sid = account_sid
        self._random = Random(f"{seed}:configurations")  # noqa: S311 - no secret
        self._found: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        callback = {"url": callback_url, "method": "POST"}
        stored = {"conversationConfigurationId": CONVERSATION_CONFIGURATION}
        self._put(
            WITH_CONVERSATION, "calls", {"transcriptionStatusCallback": callback, **stored}, now
        )
        self._put(CALLBACK_ONLY, "callback-only", {"transcriptionStatusCallback": callback}, now)

    def find(self, name: str) -> dict[str, Any] | None:
        """Return the configuration of that id or unique name."""
        with self._lock:
            return self._found.get(name)

    def create(self, document: Any, now: datetime) -> dict[str, Any]:
        """Make one and return it; raises RefusalError.

        It needs a callback, or a conversation to store the transcript in, or both.
        """
        wanted = document if isinstance(document, dict) else {}
        name, given = wanted.get("unique_name"), wanted.get("configuration")
        if not isinstance(given, dict):
            raise refusal(20001, "configuration must be an object.")
        callback = given.get("transcriptionStatusCallback")
        if not (callback or given.get("conversationConfigurationId")):
            raise refusal(
                20001, "transcriptionStatusCallback or conversationConfigurationId is required."
            )
        if callback and not (isinstance(callback, dict) and isinstance(callback.get("url"), str)):
            raise refusal(20001, "transcriptionStatusCallback must have a url.")
        if callback and callback.setdefault("method", "POST") != "POST":
            raise refusal(20001, "transcriptionStatusCallback.method must be POST.")
        if sorted(_channels(given.get("participantDefaults", _DEFAULTS))) != [1, 2]:
            raise refusal(20001, "participantDefaults must map channel 1 and channel 2.")
        with self._lock:
            if isinstance(name, str) and name in self._found:
                raise refusal(20001, "unique_name is another configuration's already.")
            if len(self._found) >= _MOST:
                raise refusal(20001, "There are too many configurations.")
            new = ids.configuration(self._random)

        return self._put(new, name, given, now)

    def _put(self, new: str, name: Any, given: dict[str, Any], now: datetime) -> dict[str, Any]:
        made = {
            "id": new,
            "account_sid": self._account_sid,
            "unique_name": name,
            "description": None,
            "date_created": stamp(now),
            "date_updated": stamp(now),
            "configuration": {
                "configurationType": "Transcription",
                "transcriptionEngine": "deepgram",
                "speechModel": "nova-3",
                "language": "en-US",
                "transcriptionStatusCallback": None,
                "conversationConfigurationId": None,
                "participantDefaults": _DEFAULTS,
                **given,
            },
        }
        with self._lock:
            self._found[new] = made
            if isinstance(name, str):
                self._found[name] = made

        return made


def _channels(defaults: Any) -> list[int]:
    people = defaults if isinstance(defaults, list) else []

    return [
        person["audioChannelIndex"]
        for person in people
        if isinstance(person, dict) and person.get("audioChannelIndex") in {1, 2}
    ]


def resolved(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return what of a configuration a job's `resolvedConfiguration` tells."""
    inner = {
        name: value
        for name, value in configuration["configuration"].items()
        if name != "configurationType"
    }
    callback = inner["transcriptionStatusCallback"]
    inner["transcriptionStatusCallback"] = callback and {"events": None, **callback}

    return inner
