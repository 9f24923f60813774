"""Renders transcripts, keeps recent renderings, and audits each time that one is read."""

import logging

from receiver.lookup.formats import FORMATS
from receiver.runtime.reader_limits import RENDERING_WAIT_TIMEOUT_SECONDS
from receiver.services import services
from receiver.store.audit import texts
from receiver.store.audit.access import Access
from receiver.web.auth import visible_account
from receiver.web.compression import MIN_BYTES, Representation, accepts_gzip, gzip_tag, represent
from receiver.web.database import query
from receiver.web.job_view import job_url
from receiver.web.problems import ProblemError
from schemas.callback import UndecodableError, decode

logger = logging.getLogger(__name__)


def get_rendered(job_id: str, digest: bytes, tag: str, access: Access) -> Representation | None:
    """Return the transcript in the format of `access`: a recent rendering, or a new one.

    A worker renders one transcript at a time, so requests for the same one share one rendering for
    each encoding. Returns None if the job's transcript has another digest, or was erased. Raises
    TooBusyError, or ProblemError 500.
    """
    limits = services().limits
    transcript = _get_kept(tag)
    if transcript is None:
        with limits.renderings.hold(RENDERING_WAIT_TIMEOUT_SECONDS):
            transcript = _get_kept(tag)
            if transcript is None:
                return _render(job_id, digest, tag, access)

    return transcript if confirm_read(job_id, digest, access) else None


def confirm_read(job_id: str, digest: bytes, access: Access) -> bool:
    """Audit the read and return True, if the transcript is still the job's and isn't erased."""
    return query(
        texts.confirm_transcript,
        *(job_id, digest),
        account_id=visible_account(),
        access=access,
    )


def _get_kept(tag: str) -> Representation | None:
    """Return a recent rendering in the encoding that the client gets, None if there is none."""
    rendered, is_compressed = services().limits.rendered, accepts_gzip()
    if is_compressed and (data := rendered.get(gzip_tag(tag))):
        return Representation(data, gzip_tag(tag), is_compressed=True)
    data = rendered.get(tag)
    if data is None or (is_compressed and len(data) > MIN_BYTES):
        return None

    return Representation(data, tag, is_compressed=False)


def _render(job_id: str, digest: bytes, tag: str, access: Access) -> Representation | None:
    """Return what `get_rendered` returns, from the body; raises ProblemError 500."""
    body = query(
        texts.read_transcript,
        *(job_id, digest),
        account_id=visible_account(),
        access=access,
    )
    if body is None:
        return None
    transcript = represent(_decode_and_render(job_id, body, access.format), tag)
    services().limits.rendered.put(transcript.tag, transcript.data)

    return transcript


def _decode_and_render(job_id: str, body: bytes, format_name: str) -> bytes:
    """Render the transcript in the body; raises ProblemError 500.

    The body was decoded when it was received. But the limit of nesting depends on the version of
    Python, and on the depth of its own calls.
    """
    try:
        return FORMATS[format_name].render(decode(body), services().limits.pacer.pause_if_due)
    except (UndecodableError, RecursionError) as error:
        logger.error(  # noqa: TRY400 - a traceback says no more
            "transcript not readable: %s", type(error).__name__, extra={"job": job_id}
        )
        raise ProblemError(
            500,
            f"The callback with the transcript of {job_id} can't be decoded: "
            f"{job_url(job_id)}/Callbacks has a link to its bytes.",
        ) from None
