"""Media: what becomes of a job is told by what its recording is called.

A `mediaUrl` whose file is named by one of Twilio's error codes, or by 401, 403 or 404
(https://media.example.com/17556.wav), and a Recording SID that has nothing but zeros after a code
(RE17554000…), bring that error about. Every other recording is fine.
"""

import re
from urllib.parse import urlsplit

TOO_LARGE = 17564  # the transcript has more than 1 MB, so its callback is skipped

# At create, of a Recording SID alone.
NOT_FOUND, NOT_ELIGIBLE, UNRESOLVED = 20404, 17533, 17563
_FAILURES = {*range(17550, 17562), 17566}
_NAMES = {"401": 17553, "403": 17553, "404": 17552}

_SID_OF_CODE = re.compile(r"RE([0-9]{5})0{27}")


def code_of(source_id: str | None, media_url: str | None) -> int | None:
    """Return the error that the recording brings about, if any."""
    if source_id is not None:
        found = _SID_OF_CODE.fullmatch(source_id)
        name = found[1] if found else ""
    else:
        name = urlsplit(media_url or "").path.rpartition("/")[2].partition(".")[0]
    code = _NAMES.get(name) or (int(name) if re.fullmatch("[0-9]{5}", name) else 0)

    return code if code in _FAILURES | {TOO_LARGE, NOT_FOUND, NOT_ELIGIBLE, UNRESOLVED} else None


def failure(code: int | None) -> int | None:
    """Return the code if a job with it fails."""
    return code if code in _FAILURES else None
