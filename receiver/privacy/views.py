"""The view that erases a job: `DELETE /v3/Transcriptions/{id}`."""

from flask import Response

from receiver.lookup.jobs import require_valid_id
from receiver.privacy.request import erase_for_request
from receiver.runtime.request_id import current_request_id
from receiver.web.arguments import require_no_arguments


def erase_transcription(job_id: str) -> Response:
    """Erase one job and everything that was received about it; a repetition changes nothing."""
    require_no_arguments()
    require_valid_id(job_id)
    erase_for_request(job_id, reason=f"request {current_request_id()}")

    return Response(status=204)
