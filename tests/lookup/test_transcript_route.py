"""Tests of fetching a transcript."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from receiver.lookup import renderings
from receiver.lookup.formats import FORMATS
from receiver.store.tables import events
from schemas.query import TranscriptQuery
from tests.support.samples import COMPLETED, JOB
from tests.support.stored_callbacks import callback, json_of, record_callback

URL = f"/v3/Transcriptions/{JOB}/Transcript"

Statements = list[tuple[str, dict[str, object]]]


@pytest.fixture
def stored_sample(engine: Engine) -> None:
    """Store the sample."""
    record_callback(engine, COMPLETED)


@pytest.mark.usefixtures("stored_sample")
@pytest.mark.parametrize(
    ("accept", "content_type", "beginning"),
    [
        ("*/*", "application/json", b'{"id":'),
        ("application/json", "application/json", b'{"id":'),
        ("text/plain", "text/plain; charset=utf-8", b"Jane Doe: Hi, I am calling"),
        ("text/vtt", "text/vtt; charset=utf-8", b"WEBVTT\n"),
        ("application/x-subrip", "application/x-subrip; charset=utf-8", b"1\n00:00:00,320 --> "),
    ],
)
def test_accept_chooses_the_format(
    reader: FlaskClient, accept: str, content_type: str, beginning: bytes
) -> None:
    """Each format is returned with its own type, and Vary names Accept."""
    response = reader.get(URL, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.content_type == content_type
    assert response.data.startswith(beginning)
    assert response.vary.as_set() == {"accept", "accept-encoding"}


@pytest.mark.usefixtures("stored_sample")
@pytest.mark.parametrize(
    ("extension", "name", "content_type"),
    [
        ("json", "json", "application/json"),
        ("txt", "text", "text/plain; charset=utf-8"),
        ("vtt", "vtt", "text/vtt; charset=utf-8"),
        ("srt", "srt", "text/srt; charset=utf-8"),
    ],
)
def test_each_format_has_a_path(
    reader: FlaskClient, extension: str, name: str, content_type: str
) -> None:
    """A path with a format's extension returns that format, whatever Accept says."""
    response = reader.get(f"{URL}.{extension}", headers={"Accept": "image/png"})
    negotiated = reader.get(f"{URL}?format={name}")
    assert (response.status_code, response.content_type) == (200, content_type)
    assert response.data == negotiated.data
    assert response.headers["ETag"] == negotiated.headers["ETag"]
    assert "accept" not in response.vary.as_set()
    for answer in (response, negotiated):
        assert answer.headers["Content-Disposition"] == f'inline; filename="{JOB}.{extension}"'


@pytest.mark.parametrize("path", ["vtt", "srt", "pdf", ""])
def test_path_of_unknown_job_or_format_is_404(reader: FlaskClient, path: str) -> None:
    """The path of an unknown job, or with an unknown extension, is a 404."""
    assert reader.get(f"{URL}.{path}").status_code == 404


@pytest.mark.usefixtures("stored_sample")
def test_format_overrides_accept(reader: FlaskClient) -> None:
    """`?format=` overrides the Accept header, even one that can't be satisfied."""
    response = reader.get(f"{URL}?format=vtt", headers={"Accept": "image/png"})
    assert response.data.startswith(b"WEBVTT\n")


def test_query_schema_has_every_format() -> None:
    """The query's schema allows exactly the formats."""
    assert TranscriptQuery().fields["format"].validators[0].choices == list(FORMATS)  # type: ignore[attr-defined] # the validator is a OneOf


@pytest.mark.usefixtures("stored_sample")
def test_unsatisfiable_accept_is_406(reader: FlaskClient) -> None:
    """A 406 problem names the available types."""
    response = reader.get(URL, headers={"Accept": "image/png"})
    assert (response.status_code, response.vary.as_set()) == (406, {"accept"})
    assert "text/vtt" in response.text


@pytest.mark.usefixtures("stored_sample")
@pytest.mark.parametrize("query", ["format=pdf", "format=", "format=VTT", "format=vtt&format=srt"])
def test_unknown_format_is_400(reader: FlaskClient, query: str) -> None:
    """A 400 problem names the parameter `format`."""
    response = reader.get(f"{URL}?{query}")
    assert response.status_code == 400
    assert json_of(response)["errors"][0]["pointer"] == "#/format"


@pytest.mark.usefixtures("stored_sample")
def test_each_format_has_its_etag(reader: FlaskClient) -> None:
    """Each format has its own strong ETag, and only that gives a 304."""
    tags = {name: reader.get(f"{URL}?format={name}").headers["ETag"] for name in FORMATS}
    assert len(set(tags.values())) == len(FORMATS)
    for name in FORMATS:
        for name_of_tag, tag in tags.items():
            assert tag.startswith('"')
            response = reader.get(f"{URL}?format={name}", headers={"If-None-Match": tag})
            assert response.status_code == (304 if name_of_tag == name else 200)


def _reads_body(statement: str) -> bool:
    return "SELECT found.body" in statement


@pytest.mark.usefixtures("stored_sample")
def test_unchanged_transcript_is_not_read(reader: FlaskClient, statements: Statements) -> None:
    """The first read costs two statements; a 304 after it costs one, which reads no body."""
    tag = reader.get(URL).headers["ETag"]
    assert [_reads_body(statement) for statement, _ in statements] == [False, True]
    statements.clear()
    unchanged = reader.get(URL, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.data, unchanged.vary.as_set()) == (
        304,
        b"",
        {"accept", "accept-encoding"},
    )
    assert [_reads_body(statement) for statement, _ in statements] == [False]


@pytest.mark.usefixtures("stored_sample")
def test_head_has_the_headers_of_get(reader: FlaskClient) -> None:
    """HEAD returns the headers of GET."""
    request_id = {"X-Request-ID": "same"}
    head, got = (send(URL, headers=request_id) for send in (reader.head, reader.get))
    assert head.headers == got.headers


def test_unknown_job_is_404(reader: FlaskClient) -> None:
    """The problem says that the job isn't known here."""
    response = reader.get(URL)
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)
    assert "is not known here" in response.text


@pytest.mark.parametrize("status", ["pending", "running"])
def test_unfinished_job_is_404_with_retry_after(
    reader: FlaskClient, engine: Engine, status: str
) -> None:
    """The problem names the job's status, and Retry-After is set."""
    record_callback(engine, callback("job", status=status))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, True)
    assert f"The job is {status.upper()}" in response.text


def test_failed_job_is_404(reader: FlaskClient, engine: Engine) -> None:
    """The problem says that the job failed."""
    record_callback(engine, callback("job", status="failed"))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)
    assert "The job failed" in response.text


def test_completed_job_without_transcript_is_404(reader: FlaskClient, engine: Engine) -> None:
    """The problem links to the list of the callbacks, none of which has the transcript."""
    record_callback(engine, callback("job"))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert response.status_code == 404
    assert "http://localhost/v3/Transcriptions/job/Callbacks" in response.text


@pytest.mark.usefixtures("stored_sample")
def test_erased_transcript_is_404(reader: FlaskClient, engine: Engine) -> None:
    """The problem says that the transcript was erased."""
    with engine.connect() as connection:
        connection.execute(update(events).values(body=None))
    response = reader.get(URL)
    assert response.status_code == 404
    assert "It was erased." in response.text


@pytest.mark.usefixtures("stored_sample")
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"text": "A word', b'"\xff A word"', b'["A word"]']
)
def test_undecodable_body_is_500(
    reader: FlaskClient, engine: Engine, caplog: pytest.LogCaptureFixture, name: str, body: bytes
) -> None:
    """The problem links to the body, and neither problem nor log contains any of it."""
    with engine.connect() as connection:
        connection.execute(update(events).values(body=body))
    response = reader.get(f"{URL}?format={name}")
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    assert "/Callbacks" in json_of(response)["detail"]
    assert [record.getMessage() for record in caplog.records] == [
        "transcript not readable: UndecodableError"
    ]
    assert not any("A word" in output for output in (caplog.text, response.text))
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.usefixtures("stored_sample")
def test_unexpected_error_reveals_no_transcript(
    reader: FlaskClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error is a 500 problem; the log has its place and nothing of the transcript."""

    def fail(document: object, _pause: object) -> bytes:
        raise LookupError(f"odd: {document}")

    failing = replace(FORMATS["text"], render_paced=fail)
    monkeypatch.setattr(renderings, "FORMATS", {**FORMATS, "text": failing})
    response = reader.get(f"{URL}?format=text")
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    [record] = caplog.records
    assert record.getMessage().startswith("a request failed: LookupError in ")
    assert record.exc_info is None
    assert not any("odd" in output for output in (caplog.text, response.text))


def test_empty_transcript_is_returned(reader: FlaskClient, engine: Engine) -> None:
    """A call in which nobody spoke has a transcript without sentences."""
    record_callback(engine, callback("job", sentences=[]))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert json_of(response) == {"id": "job", "participants": [], "sentences": []}


def test_enveloped_callback_is_read(reader: FlaskClient, engine: Engine) -> None:
    """The transcript of a callback in an envelope is returned."""
    inner = callback("job", sentences=[{"text": "Hello.", "audioChannelIndex": 1}]).decode()
    record_callback(engine, f'{{"operationId": "job", "transcription": {inner}}}'.encode())
    assert reader.get("/v3/Transcriptions/job/Transcript?format=text").text == "Channel 1: Hello.\n"
