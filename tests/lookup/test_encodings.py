"""Tests of compressed answers and of the ETag that each encoding has."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update
from werkzeug.datastructures import Authorization

from receiver.runtime.shared_result import SharedResult
from receiver.services import install, services_of
from receiver.store.tables import events
from receiver.web.compression import MAX_ACCEPT_ENCODING_BYTES, MIN_BYTES
from tests.support.stored_callbacks import callback, record_callback

Statements = list[tuple[str, dict[str, object]]]

JOB = "/v3/Transcriptions/job"
LARGE = (
    "/v3/Transcriptions",
    f"{JOB}/Transcript",
    f"{JOB}/Transcript.vtt",
    f"{JOB}/Transcript.srt",
    f"{JOB}/Transcript.txt",
    f"{JOB}/Callbacks/{{number}}/Body",
    "/openapi.json",
)
SMALL = ("/v3/Completeness", f"{JOB}/Callbacks")
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def unchanging_figures(shared_app: Flask) -> Iterator[None]:
    """Make the application count completeness once."""
    parts = services_of(shared_app)
    counted = SharedResult[dict[str, Any] | None](max_age_seconds=3600)
    install(shared_app, replace(parts, completeness={None: counted}))
    yield
    install(shared_app, parts)


@pytest.fixture
def paths(engine: Engine, reader: FlaskClient) -> dict[str, str]:
    """Store a job with many sentences and some without; return the paths with the callback's id."""
    sentences = [{"text": f"Sentence {number}.", "audioChannelIndex": 1} for number in range(900)]
    record_callback(engine, callback("job", sentences=sentences))
    for number in range(5):
        record_callback(engine, callback(f"other{number}", status="running"))
    listed = reader.get(f"{JOB}/Callbacks").get_json()
    number = listed["callbacks"][0]["id"]

    return {path: path.format(number=number) for path in (*LARGE, *SMALL)}


@pytest.mark.parametrize("path", LARGE)
def test_large_answer_is_compressed_if_accepted(
    reader: FlaskClient, paths: dict[str, str], path: str
) -> None:
    """An answer over 1 kB is compressed where the client accepts gzip, with the same content."""
    plain, compressed = reader.get(paths[path]), reader.get(paths[path], headers=GZIP)
    assert len(plain.data) > MIN_BYTES
    assert plain.content_encoding is None
    assert compressed.content_encoding == "gzip"
    assert gzip.decompress(compressed.data) == plain.data
    assert compressed.content_type == plain.content_type
    assert compressed.content_length == len(compressed.data) < len(plain.data)
    assert "accept-encoding" in plain.vary.as_set() & compressed.vary.as_set()


@pytest.mark.parametrize("path", LARGE)
def test_each_encoding_has_its_etag(reader: FlaskClient, paths: dict[str, str], path: str) -> None:
    """Each encoding has a strong ETag of its own; a 304 names the one that the client has."""
    url = paths[path]
    tags = [reader.get(url, headers=headers).headers["ETag"] for headers in ({}, GZIP)]
    assert len(set(tags)) == 2
    assert all(tag.startswith('"') for tag in tags)
    for headers, tag, status in (
        ({}, tags[0], 304),
        ({}, tags[1], 200),
        (GZIP, tags[0], 304),
        (GZIP, tags[1], 304),
    ):
        answer = reader.get(url, headers=headers | {"If-None-Match": tag})
        assert answer.status_code == status
        assert "accept-encoding" in answer.vary.as_set()
        if status == 304:
            assert (answer.headers["ETag"], answer.data) == (tag, b"")
            assert answer.content_encoding is None


@pytest.mark.usefixtures("unchanging_figures")
@pytest.mark.parametrize("path", SMALL)
def test_small_answer_has_an_etag_and_is_not_compressed(
    reader: FlaskClient, paths: dict[str, str], path: str
) -> None:
    """An answer of up to 1 kB isn't compressed, and has a 304 too."""
    answer = reader.get(paths[path], headers=GZIP)
    assert len(answer.data) <= MIN_BYTES
    assert answer.content_encoding is None
    again = reader.get(paths[path], headers=GZIP | {"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.headers["ETag"]) == (304, answer.headers["ETag"])


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("*", "gzip"),
        ("GZIP;q=0.1", "gzip"),
        ("br;q=1, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("br", None),
        ("gzip;q=0", None),
        ("*, gzip;q=0", None),
        ("gzip;q=x", None),
        ("gzip".ljust(MAX_ACCEPT_ENCODING_BYTES), "gzip"),
        ("gzip".ljust(MAX_ACCEPT_ENCODING_BYTES + 1), None),
    ],
)
def test_accept_encoding_decides(
    reader: FlaskClient, paths: dict[str, str], accepted: str, encoding: str | None
) -> None:
    """The client's Accept-Encoding decides about gzip (RFC 9110, 12.5.3)."""
    url = paths[f"{JOB}/Transcript"]
    assert reader.get(url, headers={"Accept-Encoding": accepted}).content_encoding == encoding


@pytest.mark.parametrize(
    ("site", "authorization", "encoding"),
    [
        ("cross-site", "basic", None),
        ("same-site", "basic", None),
        ("same-origin", "basic", "gzip"),
        ("none", "basic", "gzip"),
        ("cross-site", "bearer", "gzip"),
    ],
)
def test_page_of_another_site_gets_nothing_compressed(
    shared_app: Flask, paths: dict[str, str], site: str, authorization: str, encoding: str | None
) -> None:
    """With remembered Basic credentials, a page of another site can't measure a compressed list."""
    credentials = {
        "basic": Authorization("basic", {"username": "other", "password": "other-secret"}),
        "bearer": Authorization("bearer", token="other-secret"),
    }
    headers = GZIP | {
        "Sec-Fetch-Site": site,
        "Authorization": credentials[authorization].to_header(),
    }
    answer = shared_app.test_client().get(paths["/v3/Transcriptions"], headers=headers)
    assert answer.status_code == 200
    assert answer.content_encoding == encoding


def test_error_is_not_compressed(reader: FlaskClient) -> None:
    """A problem document isn't compressed, whatever its size is."""
    answer = reader.get("/v3/Transcriptions?" + "&".join(["status=x"] * 50), headers=GZIP)
    assert answer.status_code == 400
    assert answer.content_encoding is None


def test_compressed_transcript_is_kept(
    reader: FlaskClient, engine: Engine, paths: dict[str, str], statements: Statements
) -> None:
    """A second request gets the compressed form that was kept, unless the body was erased since."""
    url = paths[f"{JOB}/Transcript"]
    first = reader.get(url, headers=GZIP)
    statements.clear()
    assert reader.get(url, headers=GZIP).data == first.data
    assert not any("SELECT events.body \n" in statement for statement, _ in statements)
    with engine.connect() as connection:
        connection.execute(update(events).values(body=None))
    assert reader.get(url, headers=GZIP).status_code == 404
