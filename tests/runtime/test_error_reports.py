"""Tests of what is sent to Sentry."""

import logging
from collections.abc import Iterator

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from app import create_app
from receiver.runtime import error_reports
from tests.support.app import Twilio
from tests.support.environment import ENVIRON, close_app
from tests.support.stored_callbacks import callback

SENTENCE = "My card number is four one one one."


class Capture(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep the envelope."""
        self.sent.append(envelope.serialize())


@pytest.fixture
def capture() -> Iterator[Capture]:
    """Yield a transport that keeps what this process sends."""
    transport = Capture()
    error_reports.start("https://key@sentry.example/1", release="1", transport=transport)
    yield transport
    sentry_sdk.init()


def _fail(sentence: str) -> None:
    words = sentence.split()
    raise ValueError(sentence, words)


def test_no_sentence_is_sent(capture: Capture) -> None:
    """An error is sent with its class and its place, and without its text and any variable."""
    logger = logging.getLogger("receiver.test")
    logger.warning(SENTENCE)  # not an error, and not to be sent with the next one
    try:
        _fail(SENTENCE)
    except ValueError:
        logger.exception("a request failed", extra={"job": "voice_transcription_1"})
    [sent] = capture.sent
    for text in (b"a request failed", b"voice_transcription_1", b"ValueError", b"_fail"):
        assert text in sent
    for word in (SENTENCE.encode(), b"card"):
        assert word not in sent


def test_failed_callback_is_sent_without_its_body(capture: Capture) -> None:
    """The error of a callback that wasn't stored has its job, and nothing else of the request."""
    app = create_app(ENVIRON, request_seconds=0.2)
    body = callback("voice_transcription_1", transcription={"sentences": [{"text": SENTENCE}]})
    assert Twilio(app.test_client()).call(body).status_code == 503
    close_app(app)
    [sent] = capture.sent
    assert b"voice_transcription_1" in sent
    for text in (SENTENCE.encode(), b"bodySHA256", b"Twilio-Signature"):
        assert text not in sent
