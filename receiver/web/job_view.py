"""Addresses: where the job and what belongs to it are found, here and not at Twilio."""

from collections.abc import Mapping
from typing import Any

from flask import request

from receiver.services import services
from receiver.settings.urls import public_origin
from receiver.web.availability import availability


def job_url(job_id: str) -> str:
    """Return the job's own address."""
    origin = public_origin(request.environ, services().settings.public_url)

    return f"{origin}/v3/Transcriptions/{job_id}"


def described(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the schema Transcription renders: the row, and what follows from it."""
    url = job_url(job["id"])

    return {
        **job,
        "url": url,
        "transcript": availability(job),
        "links": {
            "transcript": f"{url}/Transcript",
            "callbacks": f"{url}/Callbacks",
            "conversation": job["conversation_url"],
        },
    }


def enveloped(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the schema Operation renders."""
    return {
        "operation_id": job["id"],
        "status": job["status"],
        "status_url": job_url(job["id"]),
        "transcription": described(job),
    }
