"""Makes the message about a change: the job as the feed shows it, without its transcript."""

from hashlib import sha256
from typing import NamedTuple

from receiver.settings.config import Settings
from receiver.store.jobs.read import Row
from receiver.web.job_view import describe_job_at
from receiver.web.responses import encode_json
from schemas.push import ERASED, UPDATED, PushMessage

_MESSAGE = PushMessage()


class Message(NamedTuple):
    """What is sent to an endpoint. All attempts to send the same state of a job have one id."""

    id: str
    body: bytes


def make_message(
    job: Row, *, history: str, sequence: int, origin: str, settings: Settings
) -> Message:
    """Return the message about a row of the feed of this history; its URLs begin with `origin`."""
    is_erased = job["erased_at"] is not None
    document = _MESSAGE.dump(
        {
            "type": ERASED if is_erased else UPDATED,
            "timestamp": job["erased_at"] or job["updated_at"] or job["first_seen_at"],
            "sequence": sequence,
            "data": describe_job_at(origin, job, settings) | {"erased": is_erased or None},
        }
    )

    return Message(_message_id(history, job), encode_json(document))


def _message_id(history: str, job: Row) -> str:
    """Return an id of the job's state: each state has another writer, in one history."""
    state = f"{history} {job['writer']} {job['id']}"

    return f"msg_{sha256(state.encode()).hexdigest()[:32]}"
