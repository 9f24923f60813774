"""What `make run` shows: the stored job, read back through the read API, and how to go on."""

from collections.abc import Mapping
from typing import Any

import requests

from dev.credentials import ACCOUNT_SID, API_KEY, AUTH_TOKEN
from dev.demo import RECORDING
from dev.http import ask
from dev.service import GRACE
from receiver.settings.urls import CALLBACK_PATH
from receiver.simulator.configurations import WITH_CONVERSATION

_LINES = 6  # of the transcript, which has some twenty


def stored(origin: str, job_id: str) -> str:
    """Read the job back from `origin` and return it for a reader's eyes.

    Raises requests.RequestException if it can't be read.
    """
    job = _get(f"{origin}/v3/Transcriptions/{job_id}").json()["transcription"]
    transcript = _get(f"{origin}/v3/Transcriptions/{job_id}/Transcript", accept="text/plain").text
    people = ", ".join(_person(participant) for participant in job["participants"])

    return (
        f"Stored and read back:\n"
        f"  {job['id']}\n"
        f"  {job['status']}, created {job['createdAt']}, received {job['receivedAt']}\n"
        f"  {job['duration']} s of audio, {job['transcript']['sentences']} sentences: {people}\n\n"
        f"{_beginning(transcript)}\n"
    )


def guide(env: Mapping[str, str], job_id: str, data: str) -> str:
    """Return the addresses, the credentials and commands to paste."""
    origin, key = env["PUBLIC_URL"], ":".join(API_KEY)
    jobs = f"{origin}/v3/Transcriptions"
    request = (
        f'{{"transcriptionConfigurationId": "{WITH_CONVERSATION}", "sourceId": "{RECORDING}"}}'
    )

    return (
        f"Serving; Ctrl-C ends it. The data are kept in {data}\n"
        f"  callbacks  {origin}{CALLBACK_PATH}  (auth token {AUTH_TOKEN})\n"
        f"  API        {jobs}  (API key {key})\n"
        f"  OpenAPI    {origin}/openapi.json\n"
        f"  Twilio     {env['TWILIO_BASE_URL']}, simulated  ({ACCOUNT_SID}:{AUTH_TOKEN})\n"
        f"A callback counts as missing after {GRACE} s here, after 15 minutes in production.\n\n"
        f"Try in another terminal:\n"
        f"  curl -u {key} {jobs}\n"
        f"  curl -u {key} {jobs}/{job_id}\n"
        f"  curl -u {key} -H 'Accept: text/vtt' {jobs}/{job_id}/Transcript\n"
        f"  curl -u {key} {origin}/v3/Completeness\n"
        f"  curl -u {key} {jobs} -H 'Content-Type: application/json' \\\n"
        f"    -d '{request}'  # another job\n"
    )


def _get(url: str, *, accept: str = "application/json") -> requests.Response:
    return ask("GET", url, auth=API_KEY, headers={"Accept": accept})


def _person(participant: dict[str, Any]) -> str:
    return f"{participant['name']} ({participant['type'].replace('_', ' ').lower()})"


def _beginning(text: str) -> str:
    lines = text.splitlines()
    shown = [*lines[:_LINES], "…"] if len(lines) > _LINES else lines

    return "\n".join(f"  {line}".rstrip() for line in shown)
