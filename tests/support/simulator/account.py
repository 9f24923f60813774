"""The simulated account, and valid requests."""

from typing import Any

from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.simulator import Simulator
from tests.support.environment import TOKEN
from tests.support.samples import ACCOUNT
from tests.support.simulator.manual_clock import ManualClock

API_KEY = ("SK" + "1" * 32, "an-api-keys-secret")
RECORDING = "REe3a2b046e52271b586425c61d84ca90e"
NOWHERE = "http://127.0.0.1:1/callbacks/transcription"

# From the documentation of the resource.
PARTICIPANTS = [
    {"audioChannelIndex": 1, "type": "CUSTOMER", "address": "+15551234567", "name": "Jane Doe"},
    {
        "audioChannelIndex": 2,
        "type": "HUMAN_AGENT",
        "address": "+15559876543",
        "name": "Agent Smith",
    },
]
BY_RECORDING: dict[str, Any] = {
    "transcriptionConfigurationId": WITH_CONVERSATION,
    "sourceId": RECORDING,
    "participants": PARTICIPANTS,
}
BY_URL: dict[str, Any] = {
    "transcriptionConfigurationId": WITH_CONVERSATION,
    "mediaUrl": "https://example.com/audio/recording.wav",
    "audioStartedAt": "2026-03-10T19:42:16Z",
    "participants": PARTICIPANTS,
}
CALLED_BACK_ONLY = {**BY_RECORDING, "transcriptionConfigurationId": CALLBACK_ONLY}


def recording(number: int) -> str:
    """Return one of many Recording SIDs."""
    return f"RE{'c' * 20}{number:012x}"


def simulated(**options: Any) -> Simulator:
    """Return a simulator with a manual clock; `options` override its defaults."""
    return Simulator(
        **{
            "account_sid": ACCOUNT,
            "credentials": {(ACCOUNT, TOKEN), API_KEY},
            "signing_key": TOKEN,
            "callback_url": NOWHERE,
            "clock": ManualClock(),
            **options,
        }
    )
