"""A Twilio with scripted responses, over real HTTP, that records its requests."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from receiver.settings.config import Settings, load
from tests.support.environment import ENVIRON, serve_app
from tests.support.samples import ACCOUNT, CONFIGURATION, JOB

Reply = Callable[[Request], Response]


def document(job: str = JOB, **members: Any) -> dict[str, Any]:
    """Return a newly submitted job, as Twilio returns it."""
    return {
        "id": job,
        "accountId": ACCOUNT,
        "status": "PENDING",
        "transcriptionConfigurationId": CONFIGURATION,
        "sourceId": "RE" + "a" * 32,
        "createdAt": "2026-04-02T19:25:20Z",
        "updatedAt": "2026-04-02T19:25:20Z",
        "url": f"https://voice.twilio.com/v3/Transcriptions/{job}",
        **members,
    }


def accepted(job: str = JOB, **members: Any) -> Response:
    """Return Twilio's 202 response."""
    body = {"status": "PENDING", "transcription": document(job, **members)}

    return answer(body, 202)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """Return a JSON response; an underscore in a header's name becomes a hyphen."""
    header_fields = {name.replace("_", "-"): value for name, value in headers.items()}

    return Response(json.dumps(body), status, header_fields, content_type="application/json")


def problem(status: int, code: int, **members: Any) -> Response:
    """Return a problem document."""
    problem_type = f"https://www.twilio.com/docs/api/errors/{code}"

    return answer(
        {"type": problem_type, "title": "No", "status": status, "code": code, **members}, status
    )


def _always(response: Response) -> Reply:
    return lambda _: response


@dataclass
class Scripted:
    """The server: it returns `replies` in turn, and repeats the last one."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, *replies: Response | Reply) -> None:
        """Set the replies from now on."""
        self.replies = [
            _always(reply) if isinstance(reply, Response) else reply for reply in replies
        ]

    def settings(self, **changes: str) -> Settings:
        """Return the settings of a service that uses this server as Twilio."""
        return load(
            ENVIRON | {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": self.url} | changes
        )

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer a request."""
        request = Request(environ)
        request.get_data()
        with self._lock:
            self.asked.append(request)
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

        return reply(request)(environ, start_response)


@contextmanager
def scripted() -> Iterator[Scripted]:
    """Serve until the block ends."""
    twilio = Scripted()
    with serve_app(twilio, threaded=True) as twilio.url:
        yield twilio
