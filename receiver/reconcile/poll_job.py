"""Polls one job: fetches what it needs, records it, and reschedules its watch."""

import logging
from collections.abc import Generator
from http import HTTPStatus

from receiver.reconcile.backoff import is_exhausted
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.conversation import build_document
from receiver.reconcile.documents import event_from, record_documents, record_event
from receiver.reconcile.report import Report, Reports
from receiver.reconcile.reschedule import PollOutcome, reschedule
from receiver.runtime.errors import locate
from receiver.store.jobs import read
from receiver.store.polls.queue import Watch
from receiver.store.polls.reasons import PollReason
from receiver.store.retry import DatabaseUnavailableError
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError

logger = logging.getLogger(__name__)


def poll_job(context: ReconcileContext, watch: Watch) -> Generator[Report, None, bool]:
    """Poll a claimed job and reschedule its watch; return whether Twilio answered.

    Raises TwilioRefusedError for a 401, TwilioBusyError and store.retry.DatabaseUnavailableError.
    """
    fields = {"job": watch.job["id"]}
    outcome = PollOutcome()
    try:
        retry_after_seconds = yield from _fetch(context, watch)
        outcome = PollOutcome(retry_after_seconds=retry_after_seconds)
    except (TwilioBusyError, DatabaseUnavailableError):
        raise
    except TwilioRefusedError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise  # every job would get it; a 403 may concern this job only
        is_missing = error.status == HTTPStatus.NOT_FOUND
        outcome = PollOutcome(is_unknown=is_missing and watch.reason != PollReason.TRANSCRIPT)
        yield Report(errors=int(not is_missing), unknown=int(outcome.is_unknown))
        logger.warning("Twilio refused to describe a job: code %s", error.code, extra=fields)
    except TwilioUnavailableError as error:
        outcome = PollOutcome(is_unanswered=True)
        yield Report(errors=1)
        logger.warning("%s", error, extra=fields)
    except Exception as error:  # noqa: BLE001 - it must not prevent other jobs' polls
        yield Report(errors=1)
        logger.error("polling a job failed: %s", locate(error), extra=fields)  # noqa: TRY400 - the text may quote Twilio's response
    reschedule(context, watch, outcome)

    return not outcome.is_unanswered


def _fetch(context: ReconcileContext, watch: Watch) -> Generator[Report, None, float | None]:
    """Fetch and record what the job needs; return Twilio's Retry-After in seconds."""
    if watch.reason == PollReason.TRANSCRIPT:
        yield from _fetch_transcript(context, watch)
        return None
    response = context.twilio.fetch(watch.job["id"])
    job = response.document.get("transcription")
    yield from record_documents(context, [job if isinstance(job, dict) else response.document])

    return response.retry_after_seconds


def _fetch_transcript(context: ReconcileContext, watch: Watch) -> Reports:
    """Record the transcript of the job's conversation if it is complete."""
    job = watch.job
    yield Report(checked=1)
    document = build_document(
        job,
        context.twilio.communications(job["conversation_id"]),
        is_alone=context.query(read.is_alone_in_conversation, job),
        is_last_chance=is_exhausted(watch.reason, watch.attempts + 1),
    )
    if document is None:
        return
    event = event_from(context, "conversation", document)
    yield record_event(context, event, Report(fetched_back=1))
