"""Formats what `make run` prints at the end: the stored job, and what to try next."""

from collections.abc import Mapping
from typing import Any

import requests

from dev.credentials import ACCOUNT_SID, API_KEY, AUTH_TOKEN, SIGN_IN_PATH
from dev.demo import RECORDING_SID
from dev.http import send_request
from dev.service import GRACE_SECONDS
from receiver.settings.urls import CALLBACK_PATH
from receiver.simulator.configurations import WITH_CONVERSATION

_MAX_TRANSCRIPT_LINES = 6  # of about twenty


def format_stored_job(origin: str, job_id: str) -> str:
    """Read the job from the API and return it as text; raises requests.RequestException."""
    job = _get(f"{origin}/v3/Transcriptions/{job_id}").json()["transcription"]
    transcript = _get(f"{origin}/v3/Transcriptions/{job_id}/Transcript", accept="text/plain").text
    people = ", ".join(_format_person(participant) for participant in job["participants"])

    return (
        f"Stored and read back:\n"
        f"  {job['id']}\n"
        f"  {job['status']}, created {job['createdAt']}, received {job['receivedAt']}\n"
        f"  {job['duration']} s of audio, {job['transcript']['sentences']} sentences: {people}\n\n"
        f"{_first_lines(transcript)}\n"
    )


def format_guide(env: Mapping[str, str], job_id: str, *, data: str) -> str:
    """Return URLs, credentials and commands to paste; `data` says where the data is stored."""
    origin, key = env["PUBLIC_URL"], ":".join(API_KEY)
    jobs = f"{origin}/v3/Transcriptions"
    request = (
        f'{{"transcriptionConfigurationId": "{WITH_CONVERSATION}", "sourceId": "{RECORDING_SID}"}}'
    )

    return (
        f"Running. Press Ctrl-C to stop. The data is stored in {data}\n"
        f"  callbacks  {origin}{CALLBACK_PATH}  (auth token {AUTH_TOKEN})\n"
        f"  API        {jobs}  (API key {key})\n"
        f"  console    {origin}{SIGN_IN_PATH}  (one click signs in as {API_KEY[0]})\n"
        f"  OpenAPI    {origin}/openapi.json\n"
        f"  Twilio     {env['TWILIO_BASE_URL']}, simulated  ({ACCOUNT_SID}:{AUTH_TOKEN})\n"
        f"Here a transcript counts as missing {GRACE_SECONDS} s after the end of its job; "
        f"in production, after 15 minutes.\n\n"
        f"Try in another terminal, in this folder:\n"
        f"  curl -u {key} {jobs}\n"
        f"  curl -u {key} {jobs}/{job_id}\n"
        f"  curl -u {key} -H 'Accept: text/vtt' {jobs}/{job_id}/Transcript\n"
        f"  curl -u {key} {origin}/v3/Completeness\n"
        f'  eval "$(make -s env)"  # the settings of this service, for the commands\n'
        f"  flask --app app doctor  # here it warns of short secrets, http and the lost callback\n"
        f"  flask --app app completeness\n"
        f"  flask --app app callbacks list\n"
        f"  curl -u {key} {jobs} -H 'Content-Type: application/json' \\\n"
        f"    -d '{request}'  # another job\n"
    )


def _get(url: str, *, accept: str = "application/json") -> requests.Response:
    return send_request("GET", url, auth=API_KEY, headers={"Accept": accept})


def _format_person(participant: dict[str, Any]) -> str:
    return f"{participant['name']} ({participant['type'].replace('_', ' ').lower()})"


def _first_lines(text: str) -> str:
    lines = text.splitlines()
    if len(lines) > _MAX_TRANSCRIPT_LINES:
        lines = [*lines[:_MAX_TRANSCRIPT_LINES], "…"]

    return "\n".join(f"  {line}".rstrip() for line in lines)
