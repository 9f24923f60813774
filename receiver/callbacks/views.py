"""The webhook: signature, judgement, record, answer."""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, request

from receiver.bodies.reader import BodyReader, BodyTooLargeError
from receiver.callbacks.persist import Persisted, Spooled, persist
from receiver.callbacks.policy import POLICY, CallbackResult, answer, result_of, result_of_error
from receiver.events.callback_event import callback_event
from receiver.events.validate import validate
from receiver.runtime import deadline
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import ABOUT
from receiver.settings.config import Settings
from receiver.settings.urls import without_credentials
from receiver.signatures.signature import SignatureError, SignedRequest, verify
from receiver.signatures.url import called_url
from receiver.store.event import Event

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

# Twilio authenticates by its signature, which the view checks first.
blueprint = Blueprint("callbacks", __name__)


# The second is what a PUBLIC_URL with a slash at its end becomes when it is typed into Twilio's
# Console in front of the route. The others are what comes through a proxy that passes its path
# prefix on. A 404 would be the end of it; the signature decides here, too. A prefix is short, for
# of a form's URL and fields, signed as one string without a seam, somebody could make a longer one:
# every form has an AccountSid, which with its name takes 44 characters.
@blueprint.post("/callbacks/transcription")
@blueprint.post("//callbacks/transcription")
@blueprint.post("/<string(maxlength=32):_one>/callbacks/transcription")
@blueprint.post("/<string(maxlength=32):_one>/<string(maxlength=32):_two>/callbacks/transcription")
def receive(**_prefix: str) -> Response:
    """Answer 204 once the callback's exact body is durable; policy.py tells all other answers."""
    extensions, environ = current_app.extensions, request.environ
    settings: Settings = extensions["settings"]
    intake: BodyReader = extensions["intake"]
    until = deadline.of(environ)
    with intake.reader(environ, until) as read_body:
        signed = _signed(environ, settings)
        verified = verify(signed, settings.signing_keys, read_body)
        event = callback_event(
            signed,
            verified,
            received_at=datetime.now(UTC),
            idempotency_token=environ.get("HTTP_I_TWILIO_IDEMPOTENCY_TOKEN"),
        )
        event = validate(event, verified.key.account)
        environ[ABOUT] = {"job": event.job_id, "bytes": len(event.body)}
        kept = persist(extensions["together"].record, extensions["spool"], event, until)
    fate = result_of(kept)
    _tell(fate, kept, event, until)

    return answer(fate)


def _signed(environ: "WSGIEnvironment", settings: Settings) -> SignedRequest:
    return SignedRequest(
        url=called_url(environ, settings.public_url),
        signature=environ.get("HTTP_X_TWILIO_SIGNATURE"),
        settings=environ.get("HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS"),
        content_type=environ.get("CONTENT_TYPE"),
    )


def _tell(fate: CallbackResult, kept: Persisted, event: Event, until: Deadline) -> None:
    recorded = None if isinstance(kept, Spooled) else kept
    logger.log(
        logging.INFO if fate == CallbackResult.RECORDED else logging.WARNING,
        "callback %s",
        recorded.outcome if recorded else "spooled",
        extra={
            "callback": recorded and recorded.id,
            "job": event.job_id,
            "reason": recorded and recorded.reason,
            "detail": recorded and recorded.detail,
            "bytes": len(event.body),
            "key": event.key_id,
            "seconds": round(until.elapsed(), 3),
            "answered": POLICY[fate].status,
        },
    )


@blueprint.errorhandler(SignatureError)
def _refuse(error: SignatureError) -> Response:
    settings: Settings = current_app.extensions["settings"]
    url = called_url(request.environ, settings.public_url)
    # A setting may be wrong, and then this is the only copy.
    number = current_app.extensions["refused"].put(error.reason, request.environ)
    logger.warning(
        "callback refused: %s",
        error.reason,
        extra={
            "rejected": number,
            "url": without_credentials(url).partition("?")[0],
            "host": request.headers.get("Host"),
            "keys": [key.id for key in settings.signing_keys],
        },
    )

    return answer(result_of_error(error), error)


@blueprint.errorhandler(BodyTooLargeError)
def _too_large(error: BodyTooLargeError) -> Response:
    logger.error("callback refused: its body is too large", extra={"limit": error.limit})

    return answer(result_of_error(error), error)


@blueprint.errorhandler(Exception)
def _try_again(error: Exception) -> Response:
    """Answer what Twilio tries again: whatever else fails is our side of the wire."""
    logger.error(
        "callback not recorded, answered 503 for Twilio to try again: %s",
        locate(error),
        extra=request.environ.get(ABOUT, {}),
    )

    return answer(result_of_error(error), error)
