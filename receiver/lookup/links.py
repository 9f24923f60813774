"""Addresses: where the job and what belongs to it are found, here and not at Twilio."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app, request

from receiver.store.read import Row

SCHEMES = ("http", "https")


def origin() -> str:
    """Return PUBLIC_URL without its credentials, else the origin that the request was sent to.

    The scheme is what the nearest proxy tells: all but the last value is anybody's claim.
    """
    public_url: str | None = current_app.extensions["settings"].public_url
    if public_url:
        url = urlsplit(public_url)
        # A user name and a password in it are between Twilio and the proxy.
        return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    told = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()

    return f"{told if told in SCHEMES else request.scheme}://{request.host}"


def job_url(job_id: str) -> str:
    """Return the job's own address."""
    return f"{origin()}/v3/Transcriptions/{job_id}"


def described(job: Row) -> dict[str, Any]:
    """Return what the schema Transcription renders: the row, and what follows from it."""
    url = job_url(job["id"])
    available = job["transcript_sha256"] is not None

    return {
        **job,
        "url": url,
        "transcript": {"available": available, "sentences": job["sentences"]},
        "links": {
            "transcript": f"{url}/Transcript",
            "callbacks": f"{url}/Callbacks",
            "conversation": job["conversation_url"],
        },
    }


def enveloped(job: Row) -> dict[str, Any]:
    """Return what the schema Operation renders."""
    return {
        "operation_id": job["id"],
        "status": job["status"],
        "status_url": job_url(job["id"]),
        "transcription": described(job),
    }
