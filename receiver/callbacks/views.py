"""The webhook: authenticate, read, validate, persist, respond."""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from receiver.bodies.reader import BodyTooLargeError
from receiver.callbacks.counting import count_failed, count_persisted
from receiver.callbacks.persist import Persisted, Spooled, persist
from receiver.callbacks.policy import POLICY, CallbackResult, respond, result_of, result_of_error
from receiver.events.validate import validate
from receiver.metrics.catalog import BODY_BYTES
from receiver.runtime.deadline import Deadline, request_deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import LOG_FIELDS
from receiver.services import services
from receiver.settings.urls import CALLBACK_PATH, without_credentials
from receiver.signatures.matching import SignatureError
from receiver.signatures.route import require_callback_url
from receiver.signatures.signature import SignedRequest, authenticate
from receiver.signatures.url import called_url
from receiver.store.event import Event

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

# No API key: Twilio authenticates by its signature, which the view checks first.
blueprint = Blueprint("callbacks", __name__)

_HINTS = {
    "unknown_prefix": ". If Twilio calls this service below this path prefix, add the prefix to "
    "PUBLIC_URL_PREFIXES",
    "wrong_path": ". If Twilio calls this service at this URL, make the path before "
    f"{CALLBACK_PATH} a part of PUBLIC_URL",
}


# A proxy may pass on its path prefix, and the path has two slashes if the callback URL at Twilio
# was made from an origin with a final slash. If PUBLIC_URL_PREFIXES doesn't name this prefix, the
# callback is rejected, but a 404 would lose it: rejected callbacks are stored.
@blueprint.post(CALLBACK_PATH)
@blueprint.post(f"/{CALLBACK_PATH}")
@blueprint.post(f"/<path:_prefix>{CALLBACK_PATH}")
def receive(**_prefix: str) -> Response:
    """Answer 204 when the callback's exact body is durable; policy.py lists all other responses."""
    parts, environ = services(), request.environ
    settings = parts.settings
    deadline = request_deadline(environ)
    signed = _signed_request(environ, settings.public_url)
    claim = authenticate(signed, settings.signing_keys)
    require_callback_url(signed.url, settings.public_url, settings.public_url_prefixes)
    if not claim.is_proved:
        parts.limits.pacer.pause_if_due()
    with parts.body_reader.read(environ, deadline, is_proved=claim.is_proved) as body:
        event = validate(
            claim.bind(body),
            received_at=datetime.now(UTC),
            idempotency_token=environ.get("HTTP_I_TWILIO_IDEMPOTENCY_TOKEN"),
        )
        environ[LOG_FIELDS] = {"job": event.job_id, "bytes": len(event.body)}
        parts.metrics.counts.observe(BODY_BYTES, len(event.body))
        persisted = persist(parts.committer.record, parts.spool, event, deadline)
    count_persisted(parts.metrics.counts, persisted)
    result = result_of(persisted)
    _log(result, persisted, event, deadline)

    return respond(result)


def _signed_request(environ: "WSGIEnvironment", public_url: str | None) -> SignedRequest:
    return SignedRequest(
        url=called_url(environ, public_url),
        signature=environ.get("HTTP_X_TWILIO_SIGNATURE"),
        settings=environ.get("HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS"),
        content_type=environ.get("CONTENT_TYPE"),
    )


def _log(result: CallbackResult, persisted: Persisted, event: Event, deadline: Deadline) -> None:
    recorded = None if isinstance(persisted, Spooled) else persisted
    logger.log(
        logging.INFO if result == CallbackResult.RECORDED else logging.WARNING,
        "callback %s",
        recorded.outcome if recorded else "spooled",
        extra={
            "callback": recorded and recorded.id,
            "job": event.job_id,
            "reason": recorded and recorded.reason,
            "detail": recorded and recorded.detail,
            "bytes": len(event.body),
            "key": event.key_id,
            **_answer_fields(result, deadline),
        },
    )


def _answer_fields(result: CallbackResult, deadline: Deadline) -> dict[str, Any]:
    """Return the log fields of the answer, so that no alert needs to match a text."""
    return {"answered": POLICY[result].status, "seconds": round(deadline.elapsed(), 3)}


def _respond_to_error(error: Exception) -> Response:
    count_failed(services().metrics.counts, error)

    return respond(result_of_error(error), error)


@blueprint.errorhandler(SignatureError)
def _reject(error: SignatureError) -> Response:
    settings, deadline = services().settings, request_deadline(request.environ)
    # Anybody can send such requests, so they are paced as all others are, unlike callbacks.
    services().limits.pacer.pause_if_due()
    url = called_url(request.environ, settings.public_url)
    # A setting may be wrong, and then this is the only copy.
    rejected_id = services().rejected.put(error.reason, request.environ)
    services().unproved_lines.log(
        logger,
        logging.WARNING,
        "callback rejected: %s%s",
        error.reason,
        _HINTS.get(error.reason, ""),
        extra={
            "rejected": rejected_id,
            "url": without_credentials(url).partition("?")[0],
            "host": request.headers.get("Host"),
            "keys": [key.id for key in settings.signing_keys],
            **_answer_fields(CallbackResult.SIGNATURE_WRONG, deadline),
        },
    )

    return _respond_to_error(error)


@blueprint.errorhandler(BodyTooLargeError)
def _too_large(error: BodyTooLargeError) -> Response:
    services().unproved_lines.log(
        logger,
        logging.ERROR,
        "callback rejected: its body is too large",
        extra={
            "limit": error.limit_bytes,
            **_answer_fields(CallbackResult.TOO_LARGE, request_deadline(request.environ)),
        },
    )

    return _respond_to_error(error)


@blueprint.errorhandler(Exception)
def _retry_later(error: Exception) -> Response:
    """Answer 503, which Twilio retries: every other failure is on our side."""
    fields = request.environ.get(LOG_FIELDS)  # None if the body isn't proved
    answer = _answer_fields(result_of_error(error), request_deadline(request.environ))
    message = "callback not recorded, answered 503 for Twilio to try again: %s"
    if fields is None:
        services().unproved_lines.log(logger, logging.ERROR, message, locate(error), extra=answer)
    else:
        logger.error(message, locate(error), extra=fields | answer)

    return _respond_to_error(error)
