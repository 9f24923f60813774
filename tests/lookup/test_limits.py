"""Tests of the limits of readers: of places, of time, and of work that they share."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.runtime.deadline import Deadline
from receiver.runtime.reader_limits import MAX_REQUESTS
from receiver.services import SENDING_BYTES, services_of
from receiver.store.engine import transactional
from tests.support.stored_callbacks import callback, json_of, record_callback

Statements = list[tuple[str, dict[str, object]]]

TRANSCRIPT = "/v3/Transcriptions/job/Transcript?format=vtt"
# The filters of this query have no index together.
PAIR = "/v3/Transcriptions?status=RUNNING&hasTranscript=true"


def _record_transcript(engine: Engine) -> None:
    record_callback(engine, callback("job", sentences=[{"text": "Hello."}]))


@pytest.mark.parametrize("path", ["/v3/Transcriptions", "/v3/Completeness"])
def test_more_requests_than_places_are_answered_429(
    shared_app: Flask, reader: FlaskClient, path: str
) -> None:
    """A request that finds no place is a 429 with Twilio's code and a time to try again."""
    requests = services_of(shared_app).limits.requests
    with ExitStack() as places:
        for _ in range(MAX_REQUESTS):
            places.enter_context(requests.hold(0))
        response = reader.get(path)
    assert (response.status_code, response.content_type) == (429, "application/problem+json")
    assert json_of(response)["code"] == 20429
    assert int(response.headers["Retry-After"]) > 0
    assert reader.get(path).status_code == 200


def test_place_is_free_after_any_answer(shared_app: Flask, reader: FlaskClient) -> None:
    """A request gives its place back, whatever its answer is."""
    for _ in range(MAX_REQUESTS + 1):
        assert reader.get("/v3/Transcriptions/unknown").status_code == 404
    stranger = shared_app.test_client()
    for _ in range(MAX_REQUESTS + 1):
        assert stranger.get("/v3/Transcriptions").status_code == 401
    assert reader.get("/v3/Transcriptions").status_code == 200


def test_large_responses_share_a_memory_budget(
    shared_app: Flask, reader: FlaskClient, engine: Engine
) -> None:
    """Large responses share the memory of those that are being sent: one beyond it is a 429."""
    record_callback(engine, callback("job", sentences=[{"text": "word " * 20_000}]))
    record_callback(engine, callback("small", sentences=[{"text": "Hello."}]))
    with services_of(shared_app).response_memory.reserve(SENDING_BYTES, Deadline(0)):
        response = reader.get(TRANSCRIPT)
        assert (response.status_code, "word" in response.text) == (429, False)
        assert int(response.headers["Retry-After"]) > 0
        assert reader.get(TRANSCRIPT.replace("job", "small")).status_code == 200
    with services_of(shared_app).response_memory.reserve(SENDING_BYTES - 150_000, Deadline(0)):
        for _ in range(3):
            with reader.get(TRANSCRIPT) as sent:
                assert sent.status_code == 200


def test_rendered_transcript_is_used_again(
    reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """A second request for a transcript gets the same bytes without reading the callback."""
    _record_transcript(engine)
    first = reader.get(TRANSCRIPT)
    statements.clear()
    second = reader.get(TRANSCRIPT)
    assert (second.data, second.headers["ETag"]) == (first.data, first.headers["ETag"])
    assert not any("SELECT found.body" in statement for statement, _ in statements)


def test_each_format_is_rendered(reader: FlaskClient, engine: Engine) -> None:
    """A transcript that was rendered in one format is not returned for another."""
    _record_transcript(engine)
    for _ in range(2):
        texts = {reader.get(TRANSCRIPT.replace("vtt", name)).text for name in ("vtt", "srt")}
        assert len(texts) == 2


def test_erased_transcript_is_not_returned(reader: FlaskClient, engine: Engine) -> None:
    """A transcript that was erased after it was rendered is a 404."""
    _record_transcript(engine)
    assert reader.get(TRANSCRIPT).status_code == 200
    with engine.connect() as connection:
        connection.execute(text("UPDATE events SET body = NULL"))
    response = reader.get(TRANSCRIPT)
    assert (response.status_code, "Hello" in response.text) == (404, False)


def test_slow_combination_of_filters_is_422(reader: FlaskClient, engine: Engine) -> None:
    """A combination of filters that takes too long is a 422 that says what to do."""
    assert reader.get(PAIR).status_code == 200
    with transactional(engine).begin() as connection:
        connection.execute(text("LOCK TABLE transcriptions IN ACCESS EXCLUSIVE MODE"))
        response = reader.get(PAIR)
    assert response.status_code == 422
    assert "createdAfter" in json_of(response)["detail"]
    assert reader.get(PAIR).status_code == 200


def test_time_limit_ends_with_its_transaction(reader: FlaskClient, engine: Engine) -> None:
    """The time limit of a combination of filters doesn't stay on the connection."""
    assert reader.get(PAIR).status_code == 200
    with engine.connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "15s"


@pytest.mark.parametrize("path", ["/v3/Transcriptions", "/v3/Transcriptions/job", "/healthz"])
def test_every_answer_has_nosniff(shared_app: Flask, path: str) -> None:
    """Each answer keeps browsers from guessing a content type, errors too."""
    for method in ("get", "post"):
        response = shared_app.test_client().open(path, method=method.upper())
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_errors_are_not_cached(shared_app: Flask) -> None:
    """No cache keeps an error, whatever the route is."""
    stranger = shared_app.test_client()
    for path in ("/v3/Transcriptions", "/nothing", "/callbacks/transcription"):
        response = stranger.get(path)
        assert response.status_code in {401, 404, 405}
        assert response.headers["Cache-Control"] == "no-store"


def test_concurrent_requests_get_the_same_transcript(shared_app: Flask, engine: Engine) -> None:
    """Requests for one transcript at the same time all get it."""
    _record_transcript(engine)

    def read(_: int) -> bytes:
        response = shared_app.test_client().get(TRANSCRIPT, auth=("dev", "dev-secret"))
        assert response.status_code == 200

        return bytes(response.data)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read, range(16)))) == 1
