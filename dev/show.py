"""What `make run` shows: the stored job, read back through the read API, and how to go on."""

from typing import Any

import requests

from dev.ask import ask
from dev.sample import AUTH_TOKEN

API_KEY = ("dev", "dev-secret")


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
        f"{_indented(transcript)}\n"
    )


def guide(origin: str, job_id: str, data: str) -> str:
    """Return the addresses, the credentials and commands to paste."""
    key = ":".join(API_KEY)
    jobs = f"{origin}/v3/Transcriptions"

    return (
        f"Serving; Ctrl-C ends it. The data are kept in {data}\n"
        f"  callbacks  {origin}/callbacks/transcription  (auth token {AUTH_TOKEN})\n"
        f"  read API   {jobs}  (API key {key})\n"
        f"  OpenAPI    {origin}/openapi.json\n\n"
        f"Try in another terminal, in this folder:\n"
        f"  curl -u {key} {jobs}\n"
        f"  curl -u {key} {jobs}/{job_id}\n"
        f"  curl -u {key} -H 'Accept: text/vtt' {jobs}/{job_id}/Transcript\n"
        f"  .venv/bin/python -m dev.sample {origin}  # another signed callback\n"
    )


def _get(url: str, *, accept: str = "application/json") -> requests.Response:
    return ask("GET", url, auth=API_KEY, headers={"Accept": accept})


def _person(participant: dict[str, Any]) -> str:
    return f"{participant['name']} ({participant['type'].replace('_', ' ').lower()})"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
