"""What `simulate` prints at its start: how to connect the receiver, and how to submit a job."""

import secrets

from receiver.cli.simulate.account import account_sid
from receiver.settings.config import Settings
from receiver.settings.urls import without_credentials
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.delivery import is_deliverable


def guide(url: str, settings: Settings, *, callback_url: str, seed: int) -> str:
    """Return commands to paste. They name secrets by their environment variables only."""
    user = "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"
    if settings.twilio_api_key:
        user = "$TWILIO_API_KEY:$TWILIO_API_SECRET"

    return (
        f"A simulated Twilio is running at {url} with --seed {seed}. Press Ctrl-C to end it.\n"
        f"Callbacks go to {without_credentials(callback_url)}\n"
        f"{_reachability_hint(settings, callback_url)}\n"
        f"Start the receiver with the settings of this command, and also:\n"
        f"  export TWILIO_BASE_URL={url} TWILIO_ACCOUNT_SID={account_sid(settings)}\n\n"
        f"Submit a job with a transcript that is stored in a conversation too:\n"
        f'  curl -u "{user}" -H "Content-Type: application/json" \\\n'
        f"    {url}/v3/Transcriptions \\\n"
        f'    -d \'{{"transcriptionConfigurationId": "{WITH_CONVERSATION}",\n'
        f'         "sourceId": "RE{secrets.token_hex(16)}"}}\'\n'
        f"For a job with a transcript only in its callback, use {CALLBACK_ONLY}\n"
    )


def local_origin(settings: Settings) -> str:
    """Return the receiver's origin on this machine."""
    return f"http://127.0.0.1:{settings.port}"


def _reachability_hint(settings: Settings, callback_url: str) -> str:
    """Return what to change if callbacks can't be delivered, "" if they can."""
    if is_deliverable(callback_url):
        return ""

    return (
        "None of them will arrive: the simulator sends callbacks only over http and only to this "
        f"machine. Start both this command and the receiver with PUBLIC_URL="
        f"{local_origin(settings)}, and this command without --callback-url.\n"
    )
