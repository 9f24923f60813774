"""Selects a job's error by the name of its recording.

If the name of a `mediaUrl`'s file is one of Twilio's error codes, or 401, 403 or 404
(https://media.example.com/17556.wav), it causes that error. So does a Recording SID that has only
zeros after a code (RE17554000…). All other recordings are transcribed without an error.
"""

import re
from urllib.parse import urlsplit

TOO_LARGE = 17564  # the transcript exceeds 1 MB, so its callback is skipped

# Errors of the create request. They need a Recording SID.
NOT_FOUND, ACCOUNT_NOT_ELIGIBLE, NOT_ELIGIBLE, UNRESOLVED = 20404, 17531, 17533, 17563
_JOB_FAILURES = {*range(17550, 17562), 17566}
_KNOWN_CODES = {
    *_JOB_FAILURES,
    TOO_LARGE,
    NOT_FOUND,
    ACCOUNT_NOT_ELIGIBLE,
    NOT_ELIGIBLE,
    UNRESOLVED,
}
_HTTP_STATUS_NAMES = {"401": 17553, "403": 17553, "404": 17552}

_SID_WITH_CODE = re.compile(r"RE([0-9]{5})0{27}")


def media_error_code(source_id: str | None, media_url: str | None) -> int | None:
    """Return the error code that the recording causes, if any."""
    if source_id is not None:
        match = _SID_WITH_CODE.fullmatch(source_id)
        name = match[1] if match else ""
    else:
        name = urlsplit(media_url or "").path.rpartition("/")[2].partition(".")[0]
    code = _HTTP_STATUS_NAMES.get(name) or (int(name) if re.fullmatch("[0-9]{5}", name) else 0)

    return code if code in _KNOWN_CODES else None


def is_job_failure(code: int | None) -> bool:
    """Return whether a job with this code ends as FAILED."""
    return code in _JOB_FAILURES
