"""The webhook: signature, judgement, record, answer."""

import logging
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, request

from receiver import deadline
from receiver.bounded import ABOUT
from receiver.config import Settings
from receiver.fault import place_of
from receiver.ingest.body import BodyTooLarge, Intake
from receiver.ingest.judge import judge
from receiver.ingest.keep import keep
from receiver.ingest.signature import SignatureRefused, Signed, Verified, verify
from receiver.ingest.url import called_url
from receiver.origin import without_credentials
from receiver.problem import problem, unavailable
from receiver.store.event import Event, Outcome
from receiver.store.retry import Unavailable
from schemas.storable import is_storable

logger = logging.getLogger(__name__)

# Twilio authenticates by its signature, which the view checks first.
blueprint = Blueprint("ingest", __name__)


# The second is what a PUBLIC_URL with a slash at its end becomes when it is typed into Twilio's
# Console in front of the route.
@blueprint.post("/callbacks/transcription")
@blueprint.post("//callbacks/transcription")
def receive() -> Response:
    """Answer 204 once the callback's exact body is durable."""
    settings: Settings = current_app.extensions["settings"]
    intake: Intake = current_app.extensions["intake"]
    until = deadline.of(request.environ)
    with intake.reader(request.environ, until) as read_body:
        signed = _signed(settings)
        verified = verify(signed, settings.signing_keys, read_body)
        event = judge(_event(signed, verified), verified.key.account)
        request.environ[ABOUT] = {"job": event.job_id, "bytes": len(event.body)}
        recorded = keep(current_app.extensions["engine"], event, until)
    logger.log(
        logging.WARNING if recorded.outcome == Outcome.QUARANTINED else logging.INFO,
        "callback %s",
        recorded.outcome,
        extra={
            "callback": recorded.id,
            "job": event.job_id,
            "reason": recorded.reason,
            "detail": recorded.detail,
            "bytes": len(event.body),
            "key": event.key_id,
            "seconds": round(until.elapsed(), 3),
        },
    )

    return Response(status=204)


def _signed(settings: Settings) -> Signed:
    return Signed(
        url=called_url(request.environ, settings.public_url),
        signature=request.headers.get("X-Twilio-Signature"),
        settings=request.headers.get("X-Twilio-Webhooks-Signature-Settings"),
        content_type=request.headers.get("Content-Type"),
    )


def _event(signed: Signed, verified: Verified) -> Event:
    """Return what came, yet to be judged."""
    return Event(
        sha256=verified.digest,
        source="callback",
        body=verified.body,
        received_at=datetime.now(UTC),
        job_id=None,
        account_id=None,
        content_type=_storable(signed.content_type, 256),
        idempotency_token=_storable(request.headers.get("I-Twilio-Idempotency-Token"), 256),
        key_id=verified.key.id,
        url=_storable(signed.url),
        signature=_storable(signed.signature),
        signature_settings=_storable(signed.settings),
    )


def _storable(value: str | None, length: int | None = None) -> str | None:
    """Return what Postgres can keep of a header's value, cut to what is worth keeping."""
    return value[:length] if value and is_storable(value) else None


@blueprint.errorhandler(SignatureRefused)
def _refuse(error: SignatureRefused) -> Response:
    settings: Settings = current_app.extensions["settings"]
    logger.warning(
        "callback refused: %s",
        error.reason,
        extra={
            "url": without_credentials(_signed(settings).url).partition("?")[0],
            "host": request.headers.get("Host"),
            "keys": [key.id for key in settings.signing_keys],
        },
    )

    return problem(403, f"The signature doesn't verify: {error.reason}.")


@blueprint.errorhandler(BodyTooLarge)
def _too_large(error: BodyTooLarge) -> Response:
    logger.error("callback refused: its body is too large", extra={"limit": error.limit})

    return problem(413, f"The body exceeds {error.limit} bytes.")


@blueprint.errorhandler(Exception)
def _try_again(error: Exception) -> Response:
    """Answer what Twilio tries again: whatever else fails is our side of the wire."""
    cause = str(error) if isinstance(error, Unavailable) else place_of(error)
    logger.error(
        "callback not recorded, answered 503 for Twilio to try again: %s",
        cause,
        extra=request.environ.get(ABOUT, {}),
    )

    return unavailable("The callback could not be made durable. Send it again.")
