"""Prints each transcript that arrives while `make run` runs, such as that of a job of the user."""

import time
from typing import Any

import requests

from dev.credentials import API_KEY
from dev.demo import print_step
from dev.http import send_request

_POLL_SECONDS = 1.0


class Follower:
    """Knows which jobs have a transcript, and prints those that are new."""

    def __init__(self, origin: str) -> None:
        self._url = f"{origin}/v3/Transcriptions?hasTranscript=true&pageSize=100"
        self._known_ids = {job["id"] for job in self._newest_jobs()}
        self._next_poll = time.monotonic() + _POLL_SECONDS

    def poll(self) -> None:
        """Print what is new, at most once a second; a service that doesn't answer is ignored."""
        if time.monotonic() < self._next_poll:
            return
        for job in self._newest_jobs():
            if job["id"] not in self._known_ids:
                self._known_ids.add(job["id"])
                transcript = job["transcript"]
                detail = f"{transcript['sentences']} sentences, from its {transcript['source']}"
                print_step("received", job["id"], detail)
        self._next_poll = time.monotonic() + _POLL_SECONDS

    def _newest_jobs(self) -> list[dict[str, Any]]:
        try:
            jobs: list[dict[str, Any]] = send_request("GET", self._url, auth=API_KEY).json()[
                "transcriptions"
            ]
        except requests.RequestException:
            return []

        return jobs
